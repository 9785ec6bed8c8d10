#!/usr/bin/env python3
"""Joins a market in lines of JSON over TCP: subscribes, places an order, prints what becomes of it.

    outcry exchange &
    outcry json &
    python3 examples/json/trade.py --client 7 --symbol T1 --side buy --price 100.25 --qty 10

Ends when the order is filled or cancelled, or after --seconds, and then cancels what is left. Python's own library is all
it needs: its json keeps whole numbers exact, and prices come as text, which Decimal takes as it is.
"""
import argparse
import json
import socket
import sys
import time
from decimal import Decimal


def main() -> int:
    options = read_options()
    try:
        connection = socket.create_connection((options.host, options.port), timeout=1)
    except OSError as error:
        print(f"no gateway answers on {options.host}:{options.port} ({error}); start one: outcry json", file=sys.stderr)
        return 1
    with connection:
        return Trader(connection, options).run()


class Trader:
    def __init__(self, connection, options):
        self.connection = connection
        self.options = options
        self.rest = b""
        self.filled = Decimal(0)
        self.order = None
        self.done = False

    def run(self) -> int:
        options = self.options
        self.say(op="login", client=options.client, **({"password": options.password} if options.password else {}))
        self.say(op="subscribe", channels=["trades", "top"], symbols=[options.symbol])
        until = time.monotonic() + options.seconds
        canceling = False
        while not self.done:
            for line in self.lines():
                self.hear(json.loads(line))
            if time.monotonic() > until and not canceling:
                if self.order is None:
                    print("the order was not accepted in time", file=sys.stderr)
                    return 1
                self.say(op="cancel", id=self.order)
                canceling = True
                until += options.seconds
            elif time.monotonic() > until:
                print("no answer to the cancel in time", file=sys.stderr)
                return 1
        print(f"filled {self.filled} of {options.qty}", flush=True)
        return 0

    def say(self, **request) -> None:
        self.connection.sendall((json.dumps(request) + "\n").encode())

    def lines(self):
        """The whole lines that have come; waits for a second at most."""
        try:
            received = self.connection.recv(65536)
        except TimeoutError:
            return []
        if not received:
            raise ConnectionError("the gateway closed the connection")
        *whole, self.rest = (self.rest + received).split(b"\n")
        return whole

    def hear(self, event) -> None:
        kind = event["event"]
        if kind == "session" and event["state"] == "ready":
            options = self.options
            self.say(op="new", symbol=options.symbol, side=options.side, price=options.price, qty=options.qty, ref="mine")
        elif kind == "session" and event["state"] == "down":
            print(f"no session: {event['text']}", file=sys.stderr, flush=True)  # the gateway tries again
        elif kind == "session":
            sys.exit(f"the session has ended: {event['text']}")
        elif kind == "heartbeat":
            self.say(op="heartbeat")
        elif kind == "trade":
            print(f"trade {event['symbol']} {event['volume']} @ {event['price']}", flush=True)
        elif kind == "accepted":
            self.order = event["id"]
            print(f"accepted: order {event['id']}", flush=True)
        elif kind == "fill":
            self.filled += event["qty"]
            print(f"fill {event['side']} {event['qty']} @ {Decimal(event['price'])}, {event['leaves']} left", flush=True)
            self.done = event["leaves"] == 0
        elif kind == "canceled":
            print(f"canceled: {event['qty']}", flush=True)
            self.done = True
        elif kind in ("rejected", "closed"):
            print(f"{kind}: {event['text']}", file=sys.stderr)
            sys.exit(1)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--client", type=int, default=7)
    parser.add_argument("--password", default="")
    parser.add_argument("--symbol", default="T1")
    parser.add_argument("--side", choices=["buy", "sell"], default="buy")
    parser.add_argument("--price", default="100.25")
    parser.add_argument("--qty", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
