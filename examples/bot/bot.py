#!/usr/bin/env python3
"""A sales bot in one file: reads the feed, asks a model that speaks OpenAI's Chat Completions, and answers.

Environment: SHOPTALK_URL, SHOPTALK_KEY (scopes read and reply), MODEL_URL (the address before /chat/completions), MODEL,
and where wanted MODEL_KEY and CURSOR (the name of its place in the feed). It may be killed at any moment: the place moves on
after the answer, and the service knows an answer that comes twice by its Idempotency-Key."""
import http.client, json, os, sys, time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PLACE = "/api/v1/cursors/" + os.environ.get("CURSOR", "example-bot")
TASK = ("You answer customers of the shop {shop} in their language, in at most three sentences. Offer only these products, "
        "and say that a colleague will help where they do not answer the question: {products}")

def call(method, url, key, body=None, headers={}):
    headers = {"Content-Type": "application/json", **({"Authorization": "Bearer " + key} if key else {}), **headers}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, headers, method=method), timeout=60) as answer:
        return json.load(answer)

def api(method, path, body=None, headers={}):
    return call(method, os.environ["SHOPTALK_URL"].rstrip("/") + path, os.environ["SHOPTALK_KEY"], body, headers)

def think(event):
    task = TASK.format(shop=(event["shop"] or {}).get("name"), products=json.dumps(event["products"]))
    said = [{"role": "user" if one["by"] == "person" else "assistant", "content": one["text"] or f"({one['kind']})"}
            for one in event["messages"]]
    body = {"model": os.environ["MODEL"], "messages": [{"role": "system", "content": task}, *said]}
    answer = call("POST", os.environ["MODEL_URL"].rstrip("/") + "/chat/completions", os.environ.get("MODEL_KEY"), body)
    return answer["choices"][0]["message"]["content"]

def handle(event):
    if not event.get("bot_may_answer"):  # somebody else answers, or it is answered already
        return
    asked = event.get("unanswered") or event["id"]  # a takeover that is over names the message that waits
    try:
        if text := think(event):
            answer = {"text": text[:10000], "answers": asked}
            api("POST", event["conversation"] + "/messages", answer, {"Idempotency-Key": asked})
    except HTTPError as error:
        if error.code not in (400, 409, 422):
            raise  # 429 and 503 among them: the event is read again later
        print(f"event {event['n']} is left: {error.code} {error.read(1000).decode(errors='replace')}", flush=True)

def step():
    try:
        n = api("GET", PLACE)["n"]
        page = api("GET", f"/api/v1/events?after={n}&types=message,takeover&limit=1&wait=25")
    except HTTPError as error:
        if error.code not in (404, 410):
            raise
        # A new name begins now; who was away for longer than the feed is kept goes on with its oldest event.
        page = {"events": [], "next": json.load(error)["oldest"] - 1 if error.code == 410 else api("GET", "/api/v1/events")["next"]}
        n = None
    for event in page["events"]:
        handle(event)
    if page["next"] != n:
        api("PUT", PLACE, {"n": page["next"]})

while True:
    try:
        step()
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException) as error:
        if getattr(error, "code", None) in (401, 403):
            sys.exit(f"the key is refused: {error.url}")
        print(f"again in a moment: {error}", flush=True)
        seconds = (getattr(error, "headers", None) or {}).get("Retry-After") or ""
        time.sleep(int(seconds) if seconds.isdigit() else 5)
