#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A Posthaste agent on an ordinary UDP socket: library and command.

    agent = Agent(router="10.0.0.1")
    agent.register(name="clerk", capabilities=["mail/sort"])
    agent.send(other, b"hello", want_error=True)
    message = agent.receive(timeout=1.0)       # None where nothing came

One thread per Agent. Nothing is sent behind the caller's back: whoever wants the registration
to last calls heartbeat() before the lease ends (the `listen` command does).
"""
import argparse
import collections
import dataclasses
import json
import os
import select
import signal
import socket
import struct
import sys
import time
import uuid

MAGIC = 0x5048
VERSION = 1
PORT = 4747
HEADER = struct.Struct("!HBBBBBBHHI16s16sQQ")
LOAD = struct.Struct("!HI")  # per mille, queue depth
HEADER_BYTES = HEADER.size  # 64
HEADER_BYTES_MAX = 15 * 16
PAYLOAD_BYTES_MAX = 65_507 - HEADER_BYTES

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:posthaste")
ROUTER_ID = uuid.uuid5(NAMESPACE, "router")

MESSAGE, REGISTER, HEARTBEAT, DEREGISTER, QUERY, QUERY_REPLY, ACK, ERROR = 1, *range(16, 23)
TYPE_NAMES = {1: "message", 16: "register", 17: "heartbeat", 18: "deregister", 19: "query",
              20: "query-reply", 21: "ack", 22: "error", 23: "hello", 24: "cookie"}
ERROR_NAMES = ("none", "unknown-agent", "unknown-capability", "no-available-provider", "hop-limit",
               "lifetime", "malformed", "unauthorised", "rate-limited", "draining", "overloaded",
               "too-large", "bad-version", "superseded")
WANT_ERROR, TRACE, RELAYED, REDIRECTED, FRAGMENT = 1, 2, 4, 8, 16
TLV_PAD, TLV_CAPABILITY, TLV_ERROR, TLV_NAME, TLV_LEASE, TLV_STATE = 0, 1, 5, 32, 33, 34
(TLV_LOAD, TLV_OFFER, TLV_PATTERN, TLV_PROVIDER, TLV_CURSOR, TLV_QUERY_FLAGS,
 TLV_SESSION) = range(35, 42)
STATES = {"running": 1, "draining": 2, "stopped": 3}
STATE_NAMES = {number: name for name, number in STATES.items()}
AGENT, CAPABILITY_ANY, CAPABILITY_ALL = 0, 1, 2
STRATEGIES = {"sticky": 0, "priority": 1, "weighted": 2, "least-loaded": 3}
PATTERN_KINDS = {"glob": 0, "regex": 1}
PRIORITY, WEIGHT = 50, 100  # of an offer that does not say


class Malformed(ValueError):
    """Bytes that are no Posthaste message; the text says where they are wrong."""


class Refused(Exception):
    """The router answered a request with an error."""

    def __init__(self, code, detail=""):
        super().__init__(error_name(code) + (f": {detail}" if detail else ""))
        self.code = code
        self.name = error_name(code)
        self.detail = detail


def error_name(code):
    return ERROR_NAMES[code] if code < len(ERROR_NAMES) else f"error-{code}"


def capability_id(name):
    """The destination that stands for a capability."""
    return uuid.uuid5(NAMESPACE, name)


def encode_offer(text):
    """The TLV of NAME, NAME@PRIORITY, NAME*WEIGHT or NAME@PRIORITY*WEIGHT."""
    rest, star, weight = text.partition("*")
    name, at, priority = rest.partition("@")
    if not star and not at:
        return TLV_CAPABILITY, name.encode()
    numbers = int(priority or PRIORITY), int(weight or WEIGHT)
    return TLV_OFFER, struct.pack("!HH", *numbers) + name.encode()


def encode_pattern(kind, text, priority=PRIORITY, weight=WEIGHT):
    return TLV_PATTERN, struct.pack("!BHH", PATTERN_KINDS[kind], priority, weight) + text.encode()


@dataclasses.dataclass
class Provider:
    """Somebody who has a capability; `router` is empty where it is the one that was asked."""
    agent: uuid.UUID
    priority: int
    weight: int
    load_per_mille: int
    state: str
    router: str

    FIXED = struct.Struct("!16sHHHBB")

    @classmethod
    def decode(cls, value):
        if len(value) < cls.FIXED.size:
            raise Malformed(f"a provider of {len(value)} bytes")
        agent, priority, weight, load, state, _ = cls.FIXED.unpack_from(value)
        return cls(uuid.UUID(bytes=agent), priority, weight, load, STATE_NAMES.get(state, "?"),
                   value[cls.FIXED.size:].decode(errors="replace"))


def encode_tlvs(tlvs):
    parts = []
    for kind, value in tlvs:
        if not 1 <= kind <= 255 or len(value) > 255:
            raise ValueError(f"TLV {kind} of {len(value)} bytes does not fit")
        parts.append(bytes((kind, len(value))) + value)
    return b"".join(parts)


def decode_tlvs(data):
    """[(type, value)]; type 0 ends the list, and what follows it is padding."""
    tlvs, at = [], 0
    while at < len(data) and data[at] != TLV_PAD:
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise Malformed(f"TLV at {at} runs past the end")
        tlvs.append((data[at], bytes(data[at + 2: at + 2 + data[at + 1]])))
        at += 2 + data[at + 1]
    return tlvs


@dataclasses.dataclass
class Message:
    """One Posthaste datagram; what is left out has the sender's default."""
    destination: uuid.UUID
    source: uuid.UUID
    payload: bytes = b""
    type: int = MESSAGE
    performative: int = 0
    addressing: int = AGENT
    strategy: int = 0
    priority: int = 5
    hop_limit: int = 8
    flags: int = 0
    lifetime_ms: int = 0
    conversation: int = 0
    message: int = 0
    tlvs: list = dataclasses.field(default_factory=list)
    origin: tuple = ()  # socket address it came from; set on receipt

    def encode(self):
        tlvs = encode_tlvs(self.tlvs)
        tlvs += bytes(-len(tlvs) % 16)
        if HEADER_BYTES + len(tlvs) > HEADER_BYTES_MAX:
            raise ValueError("the TLVs do not fit the header")
        if len(self.payload) > PAYLOAD_BYTES_MAX - len(tlvs):
            raise ValueError("the payload does not fit a datagram")
        return HEADER.pack(
            MAGIC, VERSION << 4 | (HEADER_BYTES + len(tlvs)) // 16, self.type, self.performative,
            self.strategy << 4 | self.addressing, self.priority << 4, self.hop_limit, self.flags,
            len(self.payload), self.lifetime_ms, self.destination.bytes, self.source.bytes,
            self.conversation, self.message) + tlvs + self.payload

    @classmethod
    def decode(cls, data, origin=()):
        if len(data) < HEADER_BYTES:
            raise Malformed(f"{len(data)} bytes, the header has {HEADER_BYTES}")
        (magic, version_length, kind, performative, addressing, priority, hop_limit, flags,
         payload_length, lifetime, destination, source, conversation, message) = \
            HEADER.unpack_from(data)
        header_bytes = (version_length & 15) * 16
        if magic != MAGIC:
            raise Malformed(f"magic {magic:#06x}")
        if version_length >> 4 != VERSION:
            raise Malformed(f"version {version_length >> 4}")
        if header_bytes < HEADER_BYTES or header_bytes + payload_length != len(data):
            raise Malformed(f"header {header_bytes} + payload {payload_length} != {len(data)}")
        return cls(
            uuid.UUID(bytes=destination), uuid.UUID(bytes=source), bytes(data[header_bytes:]),
            kind, performative, addressing & 15, addressing >> 4, priority >> 4, hop_limit, flags,
            lifetime, conversation, message, decode_tlvs(data[HEADER_BYTES:header_bytes]), origin)

    @property
    def type_name(self):
        return TYPE_NAMES.get(self.type, f"type-{self.type}")

    @property
    def error(self):
        """(code, detail) of an error message, else None."""
        if self.type != ERROR:
            return None
        detail = ""
        try:
            for kind, value in decode_tlvs(self.payload):
                if kind == TLV_ERROR and value:
                    detail = value[1:].decode(errors="replace")
        except Malformed:
            pass  # the code stands in the header
        return self.performative, detail

    def as_json(self):
        fields = {"type": self.type_name, "from": str(self.source), "to": str(self.destination),
                  "conversation": self.conversation, "message": self.message,
                  "performative": self.performative, "hop_limit": self.hop_limit,
                  "bytes": len(self.payload)}
        if self.error:
            fields |= {"error": error_name(self.error[0]), "detail": self.error[1]}
        else:
            fields["payload"] = self.payload.decode(errors="backslashreplace")
        return json.dumps(fields)


class Agent:
    """An agent and its socket. A message nobody waits for is kept until receive() takes it."""

    def __init__(self, router, agent=None, *, port=PORT, bind=None, sock=None, received_max=65_536):
        found = socket.getaddrinfo(router, port, type=socket.SOCK_DGRAM)[0]
        self.router = found[4]
        self.id = agent or uuid.uuid4()
        if sock is None:
            sock = socket.socket(found[0], socket.SOCK_DGRAM)
            sock.bind(bind or ("::" if found[0] == socket.AF_INET6 else "0.0.0.0", 0))
        sock.setblocking(False)
        self.socket = sock
        self.lease_ms = 0
        self.malformed = 0  # datagrams that were no Posthaste message
        self._conversation = int.from_bytes(os.urandom(7), "big")
        self._message = 0
        self._received = collections.deque(maxlen=received_max)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def fileno(self):
        return self.socket.fileno()

    # Registration.

    def register(self, name="", capabilities=(), lease_ms=None, state=None, timeout=2.0, tries=3,
                 patterns=(), load=None, epoch=0, multi=False):
        """Registers or refreshes; returns the granted lease in ms. Raises Refused, TimeoutError.

        capabilities: as encode_offer() takes them; patterns: (kind, text) each; load: per mille;
        epoch: this agent's number of its session; multi: others at other routers stay.
        """
        tlvs = [(TLV_NAME, name.encode())] if name else []
        tlvs += [*map(encode_offer, capabilities), *(encode_pattern(*p) for p in patterns)]
        tlvs += [(TLV_LOAD, LOAD.pack(load, 0))] if load is not None else []
        tlvs += [(TLV_LEASE, struct.pack("!I", lease_ms))] if lease_ms is not None else []
        tlvs += [(TLV_STATE, bytes((STATES.get(state, state),)))] if state is not None else []
        tlvs += [(TLV_SESSION, struct.pack("!I?", epoch, multi))] if epoch or multi else []
        # An answer is never larger than its request: leave room for the lease, or for a reason.
        answer = self.request(REGISTER, encode_tlvs(tlvs) + bytes(160), timeout, tries)
        self.lease_ms = int.from_bytes(dict(decode_tlvs(answer.payload)).get(TLV_LEASE, b""), "big")
        return self.lease_ms

    def heartbeat(self, timeout=2.0, tries=3, load=None, queue_depth=0):
        tlvs = [] if load is None else [(TLV_LOAD, LOAD.pack(load, queue_depth))]
        self.request(HEARTBEAT, encode_tlvs(tlvs), timeout, tries)

    def query(self, name, flags=0, timeout=2.0, tries=3, room=1024):
        """All providers of a capability, in as many pages of `room` bytes as it takes."""
        providers, cursor = [], 0
        while cursor is not None:
            tlvs = encode_tlvs([(TLV_CAPABILITY, name.encode()),
                                (TLV_CURSOR, struct.pack("!I", cursor)),
                                (TLV_QUERY_FLAGS, bytes((flags,)))])
            answer = self.request(QUERY, tlvs + bytes(max(0, room - len(tlvs))), timeout, tries)
            told = decode_tlvs(answer.payload)
            providers += [Provider.decode(value) for kind, value in told if kind == TLV_PROVIDER]
            cursor = next((int.from_bytes(value, "big") for kind, value in told
                           if kind == TLV_CURSOR), None)
        return providers

    def deregister(self, timeout=2.0, tries=3):
        self.request(DEREGISTER, b"", timeout, tries)

    def request(self, kind, payload, timeout=2.0, tries=3):
        """Sends a control message until it is answered: the ack, or Refused, or TimeoutError."""
        request = Message(ROUTER_ID, self.id, payload, kind, conversation=self._conversation,
                          message=self._next())
        for _ in range(tries):
            self.send_datagram(request.encode())
            answer = self._await(request, time.monotonic() + timeout / tries)
            if answer is None:
                continue
            if answer.type == ERROR:
                raise Refused(*answer.error)
            return answer
        raise TimeoutError(f"no answer to {request.type_name} from {self.router[0]}")

    def _await(self, request, deadline):
        while (answer := self._next_message(deadline)) is not None:
            if answer.type in (ACK, ERROR, QUERY_REPLY) and answer.source == ROUTER_ID and (
                    answer.conversation, answer.message) == (request.conversation, request.message):
                return answer
            self._received.append(answer)
        return None

    # Messages.

    def call(self, capability, payload=b"", *, to_all=False, strategy="sticky", named=False,
             **fields):
        """Sends one message to somebody who has the capability, or to all who have it. With
        `named` the message says the name, which patterns need."""
        fields["addressing"] = CAPABILITY_ALL if to_all else CAPABILITY_ANY
        fields["strategy"] = STRATEGIES[strategy]
        if named:
            fields["tlvs"] = [*fields.get("tlvs", ()), (TLV_CAPABILITY, capability.encode())]
        return self.send(capability_id(capability), payload, **fields)

    def send(self, destination, payload=b"", *, want_error=False, **fields):
        """Sends one message and returns it as sent; at most once, nobody acknowledges it."""
        fields.setdefault("conversation", self._conversation)
        fields.setdefault("message", self._next())
        fields["flags"] = fields.get("flags", 0) | (WANT_ERROR if want_error else 0)
        message = Message(destination, self.id, payload, **fields)
        self.send_datagram(message.encode())
        return message

    def send_datagram(self, data):
        while True:
            try:
                self.socket.sendto(data, self.router)
                return
            except BlockingIOError:
                select.select([], [self.socket], [])

    def receive(self, timeout=None):
        """The next message in order of arrival; None after `timeout` seconds without one."""
        if self._received:
            return self._received.popleft()
        return self._next_message(None if timeout is None else time.monotonic() + timeout)

    def _next_message(self, deadline):
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                data, origin = self.socket.recvfrom(65_535)
            except (BlockingIOError, ConnectionError):
                continue  # checksum failed after select, or an ICMP error for an earlier frame
            try:
                return Message.decode(data, origin)
            except Malformed:
                self.malformed += 1

    def _next(self):
        self._message += 1
        return self._message


def command_listen(agent, options):
    """Registers, prints every message as one line of JSON, deregisters when told to end."""
    stopped, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    register(agent, options)
    received, beat = 0, time.monotonic() + agent.lease_ms / 3000
    while options.count == 0 or received < options.count:
        left = max(0.0, beat - time.monotonic()) if agent.lease_ms else None
        ready = select.select([agent, stopped], [], [], left)[0]
        if stopped in ready:
            break
        if agent.lease_ms and time.monotonic() >= beat:
            agent.heartbeat()
            beat = time.monotonic() + agent.lease_ms / 3000
        while (message := agent.receive(timeout=0)) is not None:
            print(message.as_json(), flush=True)
            received += 1
            if options.echo and message.type == MESSAGE:
                agent.send(message.source, message.payload, conversation=message.conversation,
                           message=message.message)
    agent.deregister()
    return 0


def command_send(agent, options):
    """Sends messages and prints what comes back within --wait seconds."""
    if not options.no_register:
        register(agent, options)
    payload, want_error = options.text.encode(), not options.quiet
    for _ in range(max(1, options.count)):
        try:
            agent.send(uuid.UUID(options.to), payload, want_error=want_error)
        except ValueError:
            agent.call(options.to, payload, to_all=options.all, strategy=options.strategy,
                       named=True, want_error=want_error)
    status, deadline = 0, time.monotonic() + options.wait
    while (message := agent.receive(timeout=max(0.0, deadline - time.monotonic()))) is not None:
        print(message.as_json(), flush=True)
        status = 1 if message.error else status
    if not options.no_register:
        agent.deregister()
    return status


def register(agent, options):
    patterns = [("glob", text) for text in options.pattern]
    agent.register(options.name, options.capability, options.lease_ms, options.state,
                   patterns=patterns, epoch=options.epoch, multi=options.multi)
    print(json.dumps({"registered": str(agent.id), "lease_ms": agent.lease_ms}), flush=True)


def command_query(agent, options):
    """Registers, asks who has a capability, and prints each as one line of JSON."""
    register(agent, options)
    for provider in agent.query(options.of):
        print(json.dumps(dataclasses.asdict(provider), default=str), flush=True)
    agent.deregister()
    return 0


def command_register(agent, options):
    """Registers once and ends; the registration lasts for its lease."""
    register(agent, options)
    return 0


def command_heartbeat(agent, _):
    """Refreshes the lease of a registration made from the same address."""
    agent.heartbeat()
    return 0


def command_deregister(agent, _):
    """Ends a registration made from the same address."""
    agent.deregister()
    return 0


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        description="A Posthaste agent on an ordinary UDP socket.",
        epilog="status: 0 done, 1 refused or answered with an error, 2 usage, 3 no answer")
    parser.add_argument("--router", required=True, help="address of the router's edge port")
    parser.add_argument("--port", type=int, default=PORT, help="its UDP port (%(default)s)")
    parser.add_argument("--agent", type=uuid.UUID, help="UUID of this agent (a new random one)")
    parser.add_argument("--bind-port", type=int, default=0, help="local UDP port (any)")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (command_listen, command_send, command_query, command_register,
                    command_heartbeat, command_deregister):
        sub = commands.add_parser(command.__name__.removeprefix("command_"), help=command.__doc__)
        sub.set_defaults(run=command)
        if command in (command_heartbeat, command_deregister):
            continue
        sub.add_argument("--name", default="", help="name to register")
        sub.add_argument("--capability", action="append", default=[],
                         help="NAME[@PRIORITY][*WEIGHT]; may be repeated")
        sub.add_argument("--pattern", action="append", default=[], help="glob of capability names")
        sub.add_argument("--lease-ms", type=int, help="lease to ask for")
        sub.add_argument("--state", choices=STATES, help="state to register with")
        sub.add_argument("--epoch", type=int, default=0, help="number of this agent's session")
        sub.add_argument("--multi", action="store_true", help="sessions at other routers stay")
        sub.add_argument("--count", type=int, default=0, help="to send (1), to wait for (no end)")
        if command is command_listen:
            sub.add_argument("--echo", action="store_true", help="send every message back")
        if command is command_query:
            sub.add_argument("of", help="name of a capability")
        if command is command_send:
            sub.add_argument("--all", action="store_true", help="to all that have the capability")
            sub.add_argument("--strategy", choices=STRATEGIES, default="sticky",
                             help="how one is chosen (%(default)s)")
            sub.add_argument("to", help="agent UUID, or name of a capability")
            sub.add_argument("text", nargs="?", default="hello")
            sub.add_argument("--wait", type=float, default=0.5, help="for answers, s (%(default)s)")
            sub.add_argument("--quiet", action="store_true", help="ask for no errors")
            sub.add_argument("--no-register", action="store_true", help="send without registering")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_arguments(arguments)
    family = socket.getaddrinfo(options.router, options.port, type=socket.SOCK_DGRAM)[0][0]
    anywhere = "::" if family == socket.AF_INET6 else "0.0.0.0"
    try:
        with Agent(options.router, options.agent, port=options.port,
                   bind=(anywhere, options.bind_port)) as agent:
            return options.run(agent, options)
    except Refused as refusal:
        print(json.dumps({"error": refusal.name, "detail": refusal.detail}), flush=True)
        return 1
    except (TimeoutError, OSError) as error:
        print(f"posthaste_client: {error}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main())
