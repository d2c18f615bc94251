"""What 1, 100 and 10,000 submits a second ask for, by simulation: the figures and tables of docs/scale.md."""
