//! ClickHouse's native TCP protocol will live here: blocks over our own codec, for clickhouse-client and the drivers.
//! Nothing of it is served yet.
