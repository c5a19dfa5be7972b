//! The HTTP interface over a real loopback socket: what ClickHouse's clients rely on.

mod client;

use client::{Reply, Server};

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_in_the_url_the_body_or_both() {
    let server = Server::start("").await;
    assert_eq!(server.get("/ping").await.body(), "Ok.\n");
    assert_eq!(server.get("/").await.body(), "Ok.\n");
    assert_eq!(server.get("/replicas_status").await.body(), "Ok.\n");
    assert_eq!(server.get("/?query=SELECT+1").await.body(), "1\n");
    assert_eq!(server.post("/", "SELECT 2").await.body(), "2\n");
    assert_eq!(server.post("/?query=SELECT", "3").await.body(), "3\n");
    assert_eq!(server.get("/nowhere").await.status, 404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_tells_about_itself() {
    let server = Server::start("").await;
    let reply = server.post("/?query_id=mine&default_format=JSONEachRow", "SELECT number FROM numbers(2)").await;
    assert_eq!(reply.body(), "{\"number\":0}\n{\"number\":1}\n");
    assert_eq!(reply.header("x-clickhouse-query-id"), "mine");
    assert_eq!(reply.header("x-clickhouse-format"), "JSONEachRow");
    assert_eq!(reply.header("x-clickhouse-server-display-name"), "test");
    assert_eq!(reply.header("x-clickhouse-timezone"), "UTC");
    assert!(reply.header("content-type").starts_with("application/x-ndjson"));
    assert!(reply.header("x-clickhouse-summary").contains("\"read_rows\":\"2\""), "{reply:?}");
    assert_eq!(server.post("/", "SELECT 1").await.header("x-clickhouse-query-id").len(), 36);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_tell_of_progress_when_asked_and_summaries_of_what_was_written() {
    let server = Server::start("").await;
    let query = "SELECT count() FROM numbers(100000) WHERE NOT ignore(number)";
    let reply = server.post("/?send_progress_in_http_headers=1&wait_end_of_query=1", query).await;
    assert!(reply.header("x-clickhouse-progress").contains("\"read_rows\":\"100000\""), "{reply:?}");
    assert_eq!(server.post("/", "SELECT 1").await.header("x-clickhouse-progress"), "");
    server.run("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a").await;
    let reply = server.post("/?query=INSERT+INTO+t+FORMAT+CSV", "1\n2\n3\n").await;
    assert!(reply.header("x-clickhouse-summary").contains("\"written_rows\":\"3\""), "{reply:?}");
    let reply = server.post("/", "INSERT INTO t SELECT number FROM numbers(7)").await;
    let summary = reply.header("x-clickhouse-summary");
    assert!(summary.contains("\"read_rows\":\"7\"") && summary.contains("\"written_rows\":\"7\""), "{summary}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_and_settings_come_in_the_url() {
    let server = Server::start("").await;
    let reply = server.post("/?param_a=7&param_s=it%27s", "SELECT {a:UInt8} + 1, {s:String}").await;
    assert_eq!(reply.body(), "8\tit\\'s\n");
    let reply = server.post("/?max_result_rows=1", "SELECT number FROM numbers(9)").await;
    assert_eq!(reply.header("x-clickhouse-exception-code"), "396", "{reply:?}");
    let reply = server.post("/?no_such_setting=1", "SELECT 1").await;
    assert!(reply.status == 404 && reply.body().starts_with("Code: 115. "), "{reply:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_code_name_and_the_real_servers_status() {
    let server = Server::start("").await;
    for (statement, status, code, name) in [
        ("SELECT * FROM nowhere", 404, 60, "(UNKNOWN_TABLE)"),
        ("SELEC 1", 400, 62, "(SYNTAX_ERROR)"),
        ("SELECT nope", 404, 47, "(UNKNOWN_IDENTIFIER)"),
        ("SELECT no_such_function(1)", 404, 46, "(UNKNOWN_FUNCTION)"),
        ("CREATE FUNCTION f AS x -> x", 501, 48, "(NOT_IMPLEMENTED)"),
        ("", 400, 62, "(SYNTAX_ERROR)"),
    ] {
        let reply = server.post("/", statement).await;
        assert_eq!(reply.status, status, "{statement}: {reply:?}");
        assert_eq!(reply.header("x-clickhouse-exception-code"), code.to_string(), "{statement}");
        let body = reply.body();
        assert!(body.starts_with(&format!("Code: {code}. DB::Exception: ")), "{body}");
        assert!(body.contains(name) && body.ends_with("(version 26.9.2.1 (Everview 0.1.0))\n"), "{body}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_behind_the_first_rows_breaks_the_stream_off() {
    let server = Server::start("").await;
    let statement = "SELECT throwIf(number = 900000, 'too far'), toString(number) FROM numbers(1000000)";
    let reply = server.post("/?buffer_size=1000&max_threads=1&max_block_size=1000", statement).await;
    assert_eq!(reply.status, 200);
    assert!(!reply.is_whole, "a client must not take it for a whole result");
    let body = reply.body();
    let tag = reply.header("x-clickhouse-exception-tag");
    let (_, block) = body.split_once(&format!("\r\n__exception__\r\n{tag}\r\n")).expect("the block");
    assert!(block.starts_with("Code: 395. DB::Exception: "), "{block}");
    assert!(block.ends_with(&format!(" {tag}\r\n__exception__\r\n")), "{block}");
    let reply = server.post("/?wait_end_of_query=1&max_block_size=1000", statement).await;
    assert!(reply.status == 500 && reply.is_whole && reply.body().starts_with("Code: 395. "), "{}", reply.status);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_an_insert_follow_in_the_body() {
    let server = Server::start("").await;
    server.run("CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a").await;
    server.post("/?query=INSERT+INTO+t+FORMAT+CSV", "1,x\n2,y\n").await.expect_ok();
    let reply = server.post("/", "INSERT INTO t FORMAT JSONEachRow {\"a\":3,\"b\":\"z\"}\n").await;
    reply.expect_ok();
    assert!(reply.header("x-clickhouse-summary").contains("\"written_rows\":\"1\""), "{reply:?}");
    server.post("/", "INSERT INTO t VALUES (4, 'v'), (2 + 3, 'w')").await.expect_ok();
    let many: String = (10..200_000).map(|number| format!("{number}\tm\n")).collect();
    server.post("/", &format!("INSERT INTO t FORMAT TSV\n{many}")).await.expect_ok();
    assert_eq!(server.run("SELECT count(), sum(a) FROM t").await, "199995\t19999899970\n");
    let reply = server.post("/?query=INSERT+INTO+t+FORMAT+CSV", "7,x\nseven,y\n").await;
    assert!(reply.status >= 400, "{reply:?}");
    assert_eq!(server.run("SELECT count() FROM t").await, "199995\n", "nothing of it was kept");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn get_changes_nothing() {
    let server = Server::start("").await;
    let reply = server.get("/?query=CREATE+TABLE+t+(a+UInt8)+ENGINE=Memory").await;
    assert_eq!(reply.header("x-clickhouse-exception-code"), "164", "{reply:?}");
    let reply = server.post("/?readonly=1", "CREATE TABLE t (a UInt8) ENGINE = Memory").await;
    assert_eq!(reply.header("x-clickhouse-exception-code"), "164", "{reply:?}");
    server.run("CREATE TABLE t (a UInt8) ENGINE = Memory").await;
    let reply = server.get("/?query=DROP+TABLE+t+SETTINGS+readonly=0").await;
    assert_eq!(reply.header("x-clickhouse-exception-code"), "164", "a statement cannot allow itself: {reply:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_packed_both_ways() {
    let server = Server::start("").await;
    server.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").await;
    for coding in ["gzip", "deflate", "zstd"] {
        let packed = client::pack(coding, b"INSERT INTO t FORMAT TSV\n1\n2\n");
        server.send("POST", "/", &[("Content-Encoding", coding)], &packed).await.expect_ok();
        let headers = [("Accept-Encoding", coding)];
        let statement = b"SELECT number FROM numbers(300000)";
        let reply = server.send("POST", "/?enable_http_compression=1", &headers, statement).await;
        assert_eq!(reply.header("content-encoding"), coding);
        assert!(reply.is_whole && client::unpack(coding, &reply.bytes).ends_with(b"\n299998\n299999\n"), "{coding}");
        let plain = server.send("POST", "/", &headers, b"SELECT 1").await;
        assert!(plain.body() == "1\n" && plain.header("content-encoding").is_empty());
    }
    assert_eq!(server.run("SELECT count() FROM t").await, "6\n");
    let reply = server.send("POST", "/", &[("Content-Encoding", "gzip")], b"SELECT 1").await;
    assert!(reply.status >= 400, "{reply:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_settings_and_database() {
    let server = Server::start("").await;
    let within = |statement: &'static str| server.post("/?session_id=s", statement);
    server.run("CREATE DATABASE d").await;
    within("USE d").await.expect_ok();
    within("SET max_threads = 3").await.expect_ok();
    assert_eq!(within("SELECT currentDatabase(), getSetting('max_threads')").await.body(), "d\t3\n");
    assert_eq!(server.post("/", "SELECT currentDatabase()").await.body(), "default\n");
    assert_eq!(server.post("/?database=d", "SELECT currentDatabase()").await.body(), "d\n");
    let reply = server.post("/?session_id=other&session_check=1", "SELECT 1").await;
    assert_eq!(reply.header("x-clickhouse-exception-code"), "372", "{reply:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_use_is_locked_and_a_client_that_goes_away_cancels_its_query() {
    let server = Server::start("").await;
    let endless = "SELECT sum(number) FROM numbers(1000000000000) SETTINGS max_threads = 1";
    let running = "SELECT count() FROM system.processes WHERE query LIKE '%numbers(1000000000000)%' AND query NOT LIKE '%processes%'";
    let connection = server.begin("/?session_id=s", endless).await;
    // it has the session only once it runs: a question before that would take it first
    server.until("/", running, |reply: &Reply| reply.body() == "1\n").await;
    let reply = server.until("/?session_id=s", "SELECT 1", |reply: &Reply| reply.status != 200).await;
    assert!(reply.status == 500 && reply.body().starts_with("Code: 373. "), "{reply:?}");
    drop(connection);
    let reply = server.until("/?session_id=s", "SELECT 1", |reply: &Reply| reply.status == 200).await;
    assert_eq!(reply.body(), "1\n");
    server.until("/", running, |reply: &Reply| reply.body() == "0\n").await;
    let logged = "SELECT exception_code FROM system.query_log WHERE type = 'ExceptionWhileProcessing' AND query LIKE '%1000000000000%'";
    assert_eq!(server.post("/", logged).await.body(), "394\n");
    let reply = server.post("/?cancel_http_readonly_queries_on_client_close=0", "SELECT 1").await;
    assert_eq!(reply.header("x-clickhouse-exception-code"), "48", "{reply:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_asked_for_where_there_are_any() {
    let server = Server::start("ann:secret\n").await;
    let reply = server.post("/", "SELECT 1").await;
    assert!(reply.status == 403 && reply.body().starts_with("Code: 516. "), "{reply:?}");
    assert_eq!(server.post("/?user=ann&password=secret", "SELECT 1").await.body(), "1\n");
    assert_eq!(server.post("/?user=ann&password=wrong", "SELECT 1").await.status, 403);
    let own = [("X-ClickHouse-User", "ann"), ("X-ClickHouse-Key", "secret")];
    assert_eq!(server.send("POST", "/", &own, b"SELECT 1").await.body(), "1\n");
    let basic = [("Authorization", "Basic YW5uOnNlY3JldA==")];
    assert_eq!(server.send("POST", "/", &basic, b"SELECT currentUser()").await.body(), "ann\n");
    assert_eq!(server.get("/ping").await.status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_and_an_open_address_are_refused() {
    let server = Server::start("").await;
    let refused = server.bind_again(server.address).await;
    assert!(matches!(refused, Err(server::Error::PortInUse(_))), "{refused:?}");
    let refused = server.bind_again("0.0.0.0:0".parse().unwrap()).await;
    assert!(matches!(refused, Err(server::Error::OpenToAll(_))), "{refused:?}");
    server.stop().await;
}
