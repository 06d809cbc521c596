#!/usr/bin/env python3
"""A second reader of histories, written from the format alone: usage: second_reader.py <history.jsonl>...

Recomputes canonical bytes (RFC 8785), event hashes, the chain, ids (UUIDv8), the RFC 6962 Merkle root and commitments,
with the standard library only. Compares with <history>.expected.json, else with the receipt.json beside it; opens
commitments where <history>.seals.json is there. One line per history; exit code 1 on any disagreement.

Numbers: integers exactly, others as ECMAScript writes IEEE 754 doubles (Python's repr has the same shortest digits).
"""
import hashlib
import json
import sys
from decimal import Decimal
from pathlib import Path


def need(fact, otherwise):
    if not fact:
        raise ValueError(otherwise)


def number(value):
    if isinstance(value, int):
        return str(value)
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + exponent
    if len(text) <= point <= 21:
        out = text + "0" * (point - len(text))
    elif 0 < point <= 21:
        out = text[:point] + "." + text[point:]
    elif -6 < point <= 0:
        out = "0." + "0" * -point + text
    else:
        power = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
        out = text[0] + ("." + text[1:] if len(text) > 1 else "") + power
    return "-" * sign + out


def canonical(value):
    """RFC 8785 text: no white space, members by UTF-16 code unit."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    members = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(canonical(key) + ":" + canonical(value[key]) for key in members) + "}"


def sha256(data):
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()


def event_id(event, index):
    content = sha256(canonical({key: value for key, value in event.items() if key != "id"}))
    digest = bytearray.fromhex(sha256(canonical([event["stream"], event["commandId"], index, content])))
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest[:16].hex()
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


def merkle_root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


def at(document, pointer):
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def no_repeats(pairs):
    need(len({key for key, _ in pairs}) == len(pairs), "a member is repeated")
    return dict(pairs)


def read_events(path):
    """All events of a history, each checked against its bytes, its place, its id and the event before it."""
    data = path.read_bytes()
    need(data.endswith(b"\n"), "the last line has no end")
    events, hashes, in_command, previous = [], [], {}, "0" * 64
    for revision, line in enumerate(data[:-1].split(b"\n")):
        event = json.loads(line.decode(), object_pairs_hook=no_repeats)
        where = f"revision {revision}"
        need(canonical(event).encode() == line, f"{where}: not canonical")
        need(event["revision"] == revision, f"{where}: out of place")
        need(event["stream"] == (events or [event])[0]["stream"], f"{where}: another stream")
        need(event["prev"] == previous, f"{where}: not chained")
        index = in_command[event["commandId"]] = in_command.get(event["commandId"], -1) + 1
        need(event["id"] == event_id(event, index), f"{where}: the id does not fit")
        previous = sha256(b"\x00" + line)
        hashes.append(bytes.fromhex(previous))
        events.append(event)
    return data, events, hashes


def open_commitments(path, events):
    if not path.exists():
        return None
    seals = json.loads(path.read_text())
    for seal in seals:
        pointer, salt, value = seal["place"]
        found = at(events[seal["revision"]]["data"], seal["at"])
        need(found == sha256(canonical([salt, pointer, value])), f"revision {seal['revision']}: {seal['at']} opens to something else")
    return len(seals)


def expected_figures(path):
    """What others say of this history: the golden figures, or the receipt of an exported set."""
    beside = path.with_name(path.name.removesuffix(".jsonl") + ".expected.json")
    if beside.exists():
        expected = json.loads(beside.read_text())
        return {key: expected[key] for key in expected if key not in ("receipt", "statement")}
    receipt = json.loads(path.with_name("receipt.json").read_text())
    stream, plain = receipt["stream"], lambda digest: digest.removeprefix("sha256:")
    figures = {"stream": stream["name"], "count": stream["count"], "head": plain(stream["head"])}
    return {**figures, "merkleRoot": plain(stream["merkleRoot"]), "events": plain(receipt["digests"]["events"])}


def check(path):
    data, events, hashes = read_events(path)
    opened = open_commitments(path.with_name(path.name.removesuffix(".jsonl") + ".seals.json"), events)
    figures = {"stream": events[0]["stream"], "count": len(events), "head": hashes[-1].hex()}
    figures |= {"merkleRoot": merkle_root(hashes).hex(), "commitments": opened, "events": sha256(data)}
    for key, value in expected_figures(path).items():
        need(figures[key] == value, f"{key} is {figures[key]}, expected {value}")
    return f"{len(events)} events, root {figures['merkleRoot'][:16]}, {opened or 0} commitments opened"


if __name__ == "__main__":
    failures = 0
    for name in sys.argv[1:]:
        try:
            print(f"ok    {name}: {check(Path(name))}")
        except (KeyError, IndexError, OSError, ValueError, RecursionError) as problem:
            failures += 1
            print(f"FAIL  {name}: {problem}")
    sys.exit(1 if failures or len(sys.argv) == 1 else 0)
