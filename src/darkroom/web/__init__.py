"""The dialects' routes as one ASGI application, with the pages and the assets beside them."""
