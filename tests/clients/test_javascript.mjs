// @clickhouse/client, the JavaScript client, end to end against `everview server`.
//
//     node test_javascript.mjs PORT

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { createClient, ClickHouseError, ClickHouseLogLevel } from '@clickhouse/client'

const url = `http://127.0.0.1:${process.argv[2]}`
const connect = (options = {}) => createClient({ url, log: { level: ClickHouseLogLevel.OFF }, ...options })
const checks = {}

checks['it connects'] = async () => {
  const client = connect()
  assert.equal((await client.ping()).success, true)
  await client.close()
}

checks['rows go in and come out as objects, with compression in both directions'] = async () => {
  const client = connect({ compression: { request: true, response: true } })
  await client.command({ query: 'CREATE TABLE events (id UInt64, name String, tags Array(String), at DateTime64(3)) ENGINE = MergeTree ORDER BY id' })
  const values = [
    { id: '42', name: 'foo\n', tags: ['a', "b'"], at: '2024-01-02 03:04:05.678' },
    { id: '18446744073709551615', name: 'é', tags: [], at: '1970-01-01 00:00:00.000' },
  ]
  const inserted = await client.insert({ table: 'events', values, format: 'JSONEachRow' })
  assert.equal(inserted.summary.written_rows, '2')
  const settings = { output_format_json_quote_64bit_integers: 1 }
  const found = await client.query({ query: 'SELECT * FROM events ORDER BY id', format: 'JSONEachRow', clickhouse_settings: settings })
  assert.deepEqual(await found.json(), values)
  const arrays = await client.query({ query: 'SELECT id, name FROM events ORDER BY id', format: 'JSONCompactEachRow', clickhouse_settings: settings })
  assert.deepEqual(await arrays.json(), [['42', 'foo\n'], ['18446744073709551615', 'é']])
  await client.close()
}

checks['the default format is JSON with names, types and statistics'] = async () => {
  const client = connect()
  const answer = await (await client.query({ query: 'SELECT 1 AS a, toLowCardinality(\'x\') AS b' })).json()
  assert.deepEqual(answer.meta, [{ name: 'a', type: 'UInt8' }, { name: 'b', type: 'LowCardinality(String)' }])
  assert.deepEqual(answer.data, [{ a: 1, b: 'x' }])
  assert.equal(answer.rows, 1)
  await client.close()
}

checks['arrays, columns left out and streams are inserted'] = async () => {
  const client = connect()
  await client.command({ query: 'CREATE TABLE streamed (a UInt32, b UInt32 DEFAULT a * 2) ENGINE = MergeTree ORDER BY a' })
  await client.insert({ table: 'streamed', values: [[1, 7]], format: 'JSONCompactEachRow' })
  await client.insert({ table: 'streamed', columns: ['a'], values: [{ a: 2 }], format: 'JSONEachRow' })
  await client.insert({ table: 'streamed', values: Readable.from([[3, 1], [4, 1]], { objectMode: true }), format: 'JSONCompactEachRow' })
  const found = await client.query({ query: 'SELECT a, b FROM streamed ORDER BY a', format: 'JSONCompactEachRow' })
  assert.deepEqual(await found.json(), [[1, 7], [2, 4], [3, 1], [4, 1]])
  await client.close()
}

checks['parameters arrive'] = async () => {
  const client = connect()
  const query = 'SELECT {n: UInt8} AS n, {s: String} AS s, {l: Array(String)} AS l, {d: Nullable(Int8)} AS d'
  const params = { n: 5, s: "it's\t\\\n", l: ["a'b", 'c'], d: null }
  const found = await client.query({ query, query_params: params, format: 'JSONEachRow' })
  assert.deepEqual(await found.json(), [params])
  await client.close()
}

checks['answers are streamed row by row'] = async () => {
  const client = connect()
  const found = await client.query({ query: 'SELECT number FROM numbers(100000)', format: 'JSONEachRow' })
  let rows = 0
  for await (const block of found.stream()) rows += block.length
  assert.equal(rows, 100000)
  await client.close()
}

checks['errors have a code and a name'] = async () => {
  const client = connect()
  await assert.rejects(client.query({ query: 'SELECT * FROM nosuch' }), (error) => {
    assert.ok(error instanceof ClickHouseError, String(error))
    assert.equal(error.code, '60')
    assert.equal(error.type, 'UNKNOWN_TABLE')
    return true
  })
  await client.close()
}

checks['a session keeps its settings, and a statement can be cancelled'] = async () => {
  const client = connect({ session_id: 'javascript' })
  await client.command({ query: 'SET max_block_size = 4321' })
  const found = await client.query({ query: "SELECT getSetting('max_block_size') AS n", format: 'JSONEachRow' })
  assert.equal(Number((await found.json())[0].n), 4321)
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 50)
  await assert.rejects(connect().query({ query: 'SELECT max(sipHash64(number)) FROM numbers(1000000000000)', abort_signal: abort.signal }))
  await client.close()
}

checks['rows of a file in any format are inserted with exec'] = async () => {
  const client = connect()
  await client.command({ query: 'CREATE TABLE raw (a UInt8, s String) ENGINE = MergeTree ORDER BY a' })
  await client.insert({ table: 'raw', values: Readable.from('1,"x"\n2,"y"\n', { objectMode: false }), format: 'CSV' })
  const found = await client.exec({ query: 'SELECT * FROM raw ORDER BY a FORMAT TabSeparated' })
  let text = ''
  for await (const piece of found.stream) text += piece
  assert.equal(text, '1\tx\n2\ty\n')
  await client.close()
}

let failed = 0
for (const [name, run] of Object.entries(checks)) {
  try {
    await run()
    console.log(`ok   ${name}`)
  } catch (error) {
    failed += 1
    console.log(`FAIL ${name}`)
    console.log(error)
  }
}
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
