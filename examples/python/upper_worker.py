"""A worker in Python: announces the package pkg:py/upper@1.0.0 and serves it. NATS lets the user `py` do this and no more."""
import asyncio, datetime, hashlib, json, os, ssl
import nats

CA, SEED = os.environ.get("NATS_CA"), os.environ.get("NATS_SEED_FILE")
TEXT = {"type": "object", "additionalProperties": False, "required": ["text"], "properties": {"text": {"type": "string"}}}
PUBLIC = {**TEXT, "properties": {"text": {"type": "string", "x-public": True}}}  # in clear in the event
ANNOUNCEMENT = json.dumps({"name": "pkg:py/upper", "version": "1.0.0", "description": "writes a text in capitals", "inputSchema": TEXT,
                           "outputSchema": PUBLIC, "fenced": False, "expectedDurationMs": 10}).encode()
DIGEST = hashlib.sha256(ANNOUNCEMENT).hexdigest()  # runs are pinned to it

def run(order):
    if order["packageDigest"] != DIGEST:
        return {"kind": "failed", "code": "PACKAGE_CHANGED", "message": "the run is pinned to another announcement", "retryable": False}
    return {"kind": "succeeded", "output": {"text": order["arguments"]["text"].upper()}}

async def main():
    tls = {"tls": ssl.create_default_context(cafile=CA)} if CA else {}
    url = os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
    nc = await nats.connect(url, inbox_prefix="_INBOX_py", nkeys_seed=SEED, max_reconnect_attempts=-1, **tls)
    js = nc.jetstream()
    try:
        await js.publish("$KV.mc-packages.py.upper.1_0_0", ANNOUNCEMENT)
    except nats.js.errors.APIError as error:
        print(f"announced before: {error.description}")  # a version is written once
    print("serving", DIGEST, flush=True)
    work = await js.pull_subscribe_bind("w-task-py", stream="MC_WORK")
    while True:
        try:
            message = (await work.fetch(1, timeout=5))[0]
            order, started = json.loads(message.data)["payload"], datetime.datetime.now(datetime.timezone.utc)
            report = {key: order[key] for key in ("executionId", "taskId", "attempt", "argumentsCommitment")}
            report |= {"runner": "py", "leaseId": None, "startedAt": started.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "durationMs": 0, "log": "", "outcome": run(order)}
            heads = {"commandId": json.loads(message.data)["intentId"], **{name: message.headers[name] for name in ("Mc-Token", "traceparent") if name in message.headers}}
            answer = await nc.request("mc.in.py.execution.report-task", json.dumps({"type": "execution.report-task.v1", "payload": report}).encode(), timeout=15, headers=heads)
            if json.loads(answer.data).get("status", 200) < 500:  # stored, or refused for good
                await message.ack_sync()
        except nats.errors.Error:  # nothing to do, or no answer: work that was not acknowledged comes again
            await asyncio.sleep(0.1)
asyncio.run(main())
