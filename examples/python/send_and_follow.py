"""Starts a run over NATS and follows it to its end: send_and_follow.py <workflow> [<inputs as JSON>]"""
import asyncio, json, os, ssl, sys, uuid
import nats

USER = os.environ.get("MC_USER", "alice")  # NATS lets this user publish below mc.in.<user> only: that is who we are
CA, SEED = os.environ.get("NATS_CA"), os.environ.get("NATS_SEED_FILE")

async def main(workflow, inputs):
    tls = {"tls": ssl.create_default_context(cafile=CA)} if CA else {}
    url = os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
    nc = await nats.connect(url, inbox_prefix=f"_INBOX_{USER}", nkeys_seed=SEED, max_reconnect_attempts=-1, **tls)

    async def ask(subject, body, **headers):
        for _ in range(10):  # under the same commandId it is safe to send again
            try:
                reply = await nc.request(f"mc.in.{USER}.{subject}", json.dumps(body).encode(), timeout=15, headers=headers or None)
            except (nats.errors.TimeoutError, nats.errors.NoRespondersError):
                continue
            answer = json.loads(reply.data)
            if answer.get("status") == 503:
                await asyncio.sleep(1)
            elif "code" in answer:
                sys.exit(f"{answer['code']}: {answer['detail']}")
            else:
                return answer
        sys.exit("no answer")

    start = {"executionId": None, "workflowId": workflow, "version": None, "inputs": inputs, "rollout": None, "region": None}
    started = await ask("execution.start", {"type": "execution.start.v1", "payload": start}, commandId=str(uuid.uuid4()))
    run, after, verdict = started["result"]["executionId"], None, None
    while verdict is None:
        progress = await ask("query.execution", {"executionId": run, "after": after, "waitMs": 10_000})
        for each in progress["events"]:
            after = each["event"]["revision"]
            print(after, each["event"]["type"], flush=True)
        verdict = None if progress["more"] else progress["verdict"]
    print(run, verdict)
    await nc.close()

asyncio.run(main(sys.argv[1], json.loads(sys.argv[2] if len(sys.argv) > 2 else "{}")))
