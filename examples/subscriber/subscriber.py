#!/usr/bin/env python3
"""A subscriber of eseal's events: applies each one once, whatever is killed when.

What it does with an event stands for what your system does: it counts kinds of events and remembers the last one of each
subject. It needs Python 3.9 and `nats-py`, nothing else. The rules that it follows are in docs/guides/subscribe.md.
"""

import argparse
import asyncio
import hashlib
import json
import signal
import sqlite3
import ssl
import sys
from urllib.parse import unquote

import nats

TABLES = """
CREATE TABLE IF NOT EXISTS applied (event_id TEXT PRIMARY KEY, owner TEXT NOT NULL, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS kinds (kind TEXT PRIMARY KEY, events INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS subjects (subject TEXT PRIMARY KEY, kind TEXT NOT NULL, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS repeats (id INTEGER PRIMARY KEY CHECK (id = 1), events INTEGER NOT NULL);
"""


class NotOurs(Exception):
    """A message that is no event of its owner."""


class Event:
    """A message's headers are the envelope of the event; its data is the payload, byte for byte as it was stored."""

    def __init__(self, message, owner):
        headers = {name: unquote(value, errors="strict") for name, value in (message.headers or {}).items()}
        try:
            self.id, self.kind, self.subject = headers["ce-id"], headers["ce-type"], headers["ce-subject"]
            self.position = int(headers["Eseal-Position"])
            # docs/event-envelope.md: fourteen lines, each ended by a line feed.
            lines = [
                "eseal-event-v1", self.id, headers["ce-stream"], headers["ce-sequence"], headers["Eseal-Position"], self.kind,
                headers["ce-schemaversion"], headers["ce-time"], headers["ce-actor"], self.subject,
                headers["ce-correlationid"], headers.get("ce-causationid", ""),
                hashlib.sha256(message.data).hexdigest(), headers.get("ce-prevhash", ""),
            ]
            source, recorded = headers["ce-source"], headers["ce-hash"]
        except (KeyError, ValueError) as missing:
            raise NotOurs(f"missing or malformed: {missing}") from missing
        if source != f"//eseal/{owner}":
            raise NotOurs(f"it is from {source}")
        if hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest() != recorded:
            raise NotOurs("its hash does not fit")
        self.payload = json.loads(message.data)


def open_database(path):
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + TABLES)
    return database


def apply(database, owner, event):
    """The effect and the note that it was made are one transaction: either both are there after a crash, or none."""
    database.execute("BEGIN IMMEDIATE")
    try:
        noted = database.execute("INSERT OR IGNORE INTO applied VALUES (?, ?, ?)", (event.id, owner, event.position))
        if noted.rowcount == 0:
            database.execute("INSERT INTO repeats VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET events = events + 1")
        else:
            # Messages may come in another order than they were written: an older one does not overwrite a newer one.
            database.execute(
                "INSERT INTO kinds VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET events = events + 1", (event.kind,)
            )
            database.execute(
                "INSERT INTO subjects VALUES (?, ?, ?) ON CONFLICT (subject) DO UPDATE "
                "SET kind = excluded.kind, position = excluded.position WHERE excluded.position > position",
                (event.subject, event.kind, event.position),
            )
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


async def settle(database, message, options):
    try:
        event = Event(message, options.owner)
    except NotOurs as why:
        # It will not be better the next time. Tell a person.
        print(f"refused a message on {message.subject}: {why}", file=sys.stderr, flush=True)
        await message.term()
        return
    if options.subject is None or event.subject == options.subject:
        apply(database, options.owner, event)
    # After the commit. If this is lost, the message comes again, and `applied` knows it.
    await message.ack_sync(timeout=5)


async def follow(options):
    tls = None
    if options.ca:
        tls = ssl.create_default_context(cafile=options.ca)
        tls.load_cert_chain(options.cert, options.key)
    inbox = f"_INBOX.{options.name}"
    connection = await nats.connect(
        options.server, tls=tls, inbox_prefix=inbox.encode(), max_reconnect_attempts=-1, name=options.name
    )
    database, stop = open_database(options.database), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    pulled = await connection.jetstream(timeout=5).pull_subscribe_bind(
        durable=f"{options.name}__from_{options.owner}",
        stream=f"ESEAL_{options.owner.upper()}",
        inbox_prefix=f"{inbox}.".encode(),
    )
    while not stop.is_set():
        try:
            for message in await pulled.fetch(batch=50, timeout=1):
                await settle(database, message, options)
        except asyncio.TimeoutError:  # that of nats-py is one too, and it raises both
            continue  # the server is away, or there is nothing new
    await connection.close()


def report(options):
    database = open_database(options.database)
    count, first, last = database.execute("SELECT count(*), min(position), max(position) FROM applied").fetchone()
    effects = dict(database.execute("SELECT kind, events FROM kinds"))
    repeats = (database.execute("SELECT events FROM repeats").fetchone() or [0])[0]
    print(json.dumps({"applied": count, "first": first, "last": last, "effects": effects, "repeats": repeats}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="follow the events of one service until SIGTERM")
    run.add_argument("--server", required=True, help="such as tls://nats.example:4222")
    run.add_argument("--ca", help="certificate of the authority that signs the server's")
    run.add_argument("--cert", help="our certificate: its subject is our user")
    run.add_argument("--key", help="the key to it")
    run.add_argument("--name", default="integrator", help="our name; the durable is <name>__from_<owner>")
    run.add_argument("--owner", required=True, help="whose events, such as application")
    run.add_argument("--subject", help="only events about this seal or application")
    run.add_argument("--database", default="applied.db")
    told = commands.add_parser("report", help="what was applied, as JSON")
    told.add_argument("--database", default="applied.db")
    options = parser.parse_args()
    if options.command == "run":
        asyncio.run(follow(options))
    else:
        report(options)


if __name__ == "__main__":
    main()
