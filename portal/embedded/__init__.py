"""PostgreSQL and Valkey as child processes, for the demo and the tests; nothing here is used in production."""
