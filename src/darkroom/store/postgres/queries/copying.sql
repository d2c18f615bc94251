-- name: columns
SELECT column_name::text, data_type::text FROM information_schema.columns
 WHERE table_schema = :schema AND table_name = :table;

-- name: counter
SELECT column_name::text FROM information_schema.columns
 WHERE table_schema = :schema AND table_name = :table AND is_identity = 'YES';

-- name: count_on
SELECT setval(pg_get_serial_sequence(:table, :column), :last);
