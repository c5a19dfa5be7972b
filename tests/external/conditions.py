"""Conditions at random, held against a local copy of the same rows: what is sent along must never lose a row."""

import random

from frame import Refused

NUMBERS = ["0", "1", "2", "5", "50", "99", "101", "-1", "1.5", "-1.5", "3.75", "0.25", "100.5", "1e-300"]
TEXTS = ["'v7'", "'V7'", "'v98'", "''", "'a'", "'A'", "'ä'", "'a '", "'v7 '", "'x'", "'it\\'s \\\\'"]
DATES = ["toDate32('1969-12-31')", "toDate32('1970-01-01')", "toDate32('1970-02-01')", "toDate('1970-01-05')", "'1970-01-02'"]
TIMES = ["toDateTime64('1970-01-01 00:00:00', 6)", "toDateTime64('1969-12-31 23:59:59.999999', 6)",
         "toDateTime('1970-01-02 00:00:00')", "'1970-01-01 05:00:00'"]
INSTANTS = ["toDateTime64('2024-01-01 05:00:00', 6)", "toDateTime('2024-01-02 05:00:00')", "'2024-01-03 05:00:00'"]

SEED, CONDITIONS = 7, 120


def leaf(chance, columns):
    column = chance.choice(sorted(columns))
    constants = columns[column]
    kind = chance.random()
    if kind < 0.1:
        return f"{column} IS {chance.choice(['', 'NOT '])}NULL"
    if kind < 0.3:
        return f"{column} {chance.choice(['', '', 'NOT '])}IN ({', '.join(chance.sample(constants, chance.randint(1, 3)))})"
    words = [column, chance.choice(["=", "!=", "<", "<=", ">", ">="]), chance.choice(constants)]
    return " ".join(words if chance.random() < 0.8 else [words[2], words[1], words[0]])


def condition(chance, columns, depth=2):
    kind = chance.random()
    if depth == 0 or kind < 0.5:
        return leaf(chance, columns)
    if kind < 0.6:
        return f"NOT ({condition(chance, columns, depth - 1)})"
    both = (condition(chance, columns, depth - 1) for _ in range(2))
    return f"({chance.choice([' AND ', ' OR ']).join(both)})"


def answer(everview, table, where):
    try:
        return everview.ask(f"SELECT i FROM {table} WHERE {where} ORDER BY i")
    except Refused as refused:
        return f"error {refused.code}"


def compare(everview, server, name, there, columns):
    """Every condition finds the same rows there as in a copy of them here; most are sent along."""
    chance = random.Random(SEED)
    everview.ask(f"CREATE TABLE {name} ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM {there}")
    sent = 0
    for _ in range(CONDITIONS):
        where = condition(chance, columns)
        found = []
        statements = server.statements_of(lambda: found.append(answer(everview, there, where)))
        here = answer(everview, name, where)
        assert found[0] == here, f"{where}\nhere:  {here.split()}\nthere: {found[0].split()}\nasked: {statements}"
        sent += any(" WHERE " in statement for statement in statements)
    assert CONDITIONS // 2 < sent, sent
