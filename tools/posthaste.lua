-- SPDX-License-Identifier: BSD-3-Clause
-- Wireshark dissector of Posthaste's wire format version 1 (routing/wire-format.md).
--
--   tshark -X lua_script:tools/posthaste.lua -r capture.pcap -Y posthaste
--
-- Takes UDP port 4747; another port with "Decode As", or -d udp.port==N,posthaste.

local posthaste = Proto("posthaste", "Posthaste")

local kMagic = 0x5048
local kHeaderBytesMin = 64
local kPort = 4747

local types = {
    [1] = "message", [16] = "register", [17] = "heartbeat", [18] = "deregister", [19] = "query",
    [20] = "query-reply", [21] = "ack", [22] = "error", [23] = "hello", [24] = "cookie",
}
local addressings = { [0] = "agent", [1] = "capability-any", [2] = "capability-all" }
local strategies = { [0] = "sticky", [1] = "priority", [2] = "weighted", [3] = "least-loaded" }
local priorities = { [1] = "low", [5] = "normal", [8] = "high", [10] = "critical" }
local errors = {
    [1] = "unknown-agent", [2] = "unknown-capability", [3] = "no-available-provider",
    [4] = "hop-limit", [5] = "lifetime", [6] = "malformed", [7] = "unauthorised",
    [8] = "rate-limited", [9] = "draining", [10] = "overloaded", [11] = "too-large",
    [12] = "bad-version", [13] = "superseded",
}
local tlv_types = {
    [0] = "padding", [1] = "capability-name", [2] = "fragment", [3] = "trace-context",
    [4] = "auth-tag", [5] = "error", [6] = "redirect-endpoint", [32] = "agent-name",
    [33] = "lease-ms", [34] = "agent-state", [41] = "session",
}
local states = { [1] = "running", [2] = "draining", [3] = "stopped" }

local f = {
    magic = ProtoField.uint16("posthaste.magic", "Magic", base.HEX),
    version = ProtoField.uint8("posthaste.version", "Version", base.DEC, nil, 0xf0),
    header_bytes = ProtoField.uint16("posthaste.header_bytes", "Header length"),
    type = ProtoField.uint8("posthaste.type", "Type", base.DEC, types),
    performative = ProtoField.uint8("posthaste.performative", "Performative"),
    error_code = ProtoField.uint8("posthaste.error_code", "Error code", base.DEC, errors),
    acknowledged = ProtoField.uint8("posthaste.acknowledged", "Acknowledged", base.DEC, types),
    strategy = ProtoField.uint8("posthaste.strategy", "Strategy", base.DEC, strategies, 0xf0),
    addressing = ProtoField.uint8("posthaste.addressing", "Addressing", base.DEC, addressings,
                                  0x0f),
    priority = ProtoField.uint8("posthaste.priority", "Priority", base.DEC, priorities, 0xf0),
    hop_limit = ProtoField.uint8("posthaste.hop_limit", "Hop limit"),
    flags = ProtoField.uint16("posthaste.flags", "Flags", base.HEX),
    want_error = ProtoField.bool("posthaste.flags.want_error", "Want error", 16, nil, 1),
    trace = ProtoField.bool("posthaste.flags.trace", "Trace", 16, nil, 2),
    relayed = ProtoField.bool("posthaste.flags.relayed", "Relayed", 16, nil, 4),
    redirected = ProtoField.bool("posthaste.flags.redirected", "Redirected", 16, nil, 8),
    fragment = ProtoField.bool("posthaste.flags.fragment", "Fragment", 16, nil, 16),
    payload_bytes = ProtoField.uint16("posthaste.payload_bytes", "Payload length"),
    lifetime = ProtoField.uint32("posthaste.lifetime_ms", "Lifetime, ms"),
    destination = ProtoField.guid("posthaste.destination", "Destination"),
    source = ProtoField.guid("posthaste.source", "Source"),
    conversation = ProtoField.uint64("posthaste.conversation", "Conversation", base.HEX),
    message = ProtoField.uint64("posthaste.message", "Message", base.HEX),
    tlv = ProtoField.bytes("posthaste.tlv", "TLV"),
    tlv_type = ProtoField.uint8("posthaste.tlv.type", "Type", base.DEC, tlv_types),
    tlv_text = ProtoField.string("posthaste.tlv.text", "Text"),
    lease = ProtoField.uint32("posthaste.tlv.lease_ms", "Lease, ms"),
    state = ProtoField.uint8("posthaste.tlv.state", "State", base.DEC, states),
    epoch = ProtoField.uint32("posthaste.tlv.epoch", "Epoch"),
    multi = ProtoField.bool("posthaste.tlv.multi_homed", "Multi-homed", 8, nil, 1),
    payload = ProtoField.bytes("posthaste.payload", "Payload"),
}
local field_list = {}
for _, field in pairs(f) do
    field_list[#field_list + 1] = field
end
posthaste.fields = field_list

local unsound = ProtoExpert.new("posthaste.unsound", "Unsound header", expert.group.MALFORMED,
                                expert.severity.ERROR)
posthaste.experts = { unsound }

local function add_tlvs(bytes, tree)
    local at = 0
    while at < bytes:len() and bytes(at, 1):uint() ~= 0 do
        local length = at + 1 < bytes:len() and bytes(at + 1, 1):uint()
        if not length or at + 2 + length > bytes:len() then
            tree:add_proto_expert_info(unsound, "A TLV runs past the end")
            return
        end
        local kind = bytes(at, 1):uint()
        local branch = tree:add(f.tlv, bytes(at, 2 + length))
        branch:set_text("TLV " .. (tlv_types[kind] or tostring(kind)))
        branch:add(f.tlv_type, bytes(at, 1))
        if length > 0 then
            local value = bytes(at + 2, length)
            if kind == 1 or kind == 32 then
                branch:add(f.tlv_text, value, value:string(ENC_UTF_8))
            elseif kind == 33 and length == 4 then
                branch:add(f.lease, value)
            elseif kind == 34 and length == 1 then
                branch:add(f.state, value)
            elseif kind == 41 and length == 5 then
                branch:add(f.epoch, value(0, 4))
                branch:add(f.multi, value(4, 1))
            end
        end
        at = at + 2 + length
    end
end

local function add_fixed(buffer, tree, kind)
    tree:add(f.magic, buffer(0, 2))
    tree:add(f.version, buffer(2, 1))
    tree:add(f.header_bytes, buffer(2, 1), bit.band(buffer(2, 1):uint(), 0x0f) * 16)
    tree:add(f.type, buffer(3, 1))
    local meaning = kind == 22 and f.error_code or kind == 21 and f.acknowledged or f.performative
    tree:add(meaning, buffer(4, 1))
    tree:add(f.strategy, buffer(5, 1))
    tree:add(f.addressing, buffer(5, 1))
    tree:add(f.priority, buffer(6, 1))
    tree:add(f.hop_limit, buffer(7, 1))
    local flags = tree:add(f.flags, buffer(8, 2))
    for _, name in ipairs({ "want_error", "trace", "relayed", "redirected", "fragment" }) do
        flags:add(f[name], buffer(8, 2))
    end
    tree:add(f.payload_bytes, buffer(10, 2))
    tree:add(f.lifetime, buffer(12, 4))
    tree:add(f.destination, buffer(16, 16))
    tree:add(f.source, buffer(32, 16))
    tree:add(f.conversation, buffer(48, 8))
    tree:add(f.message, buffer(56, 8))
end

function posthaste.dissector(buffer, packet, root)
    if buffer:len() < kHeaderBytesMin or buffer(0, 2):uint() ~= kMagic then
        return 0
    end
    packet.cols.protocol = "Posthaste"
    local kind = buffer(3, 1):uint()
    packet.cols.info = types[kind] or ("type " .. kind)
    local tree = root:add(posthaste, buffer())
    add_fixed(buffer, tree, kind)
    local header_bytes = bit.band(buffer(2, 1):uint(), 0x0f) * 16
    local payload_bytes = buffer(10, 2):uint()
    if header_bytes < kHeaderBytesMin or header_bytes + payload_bytes ~= buffer:len() then
        tree:add_proto_expert_info(unsound, "Lengths disagree with UDP")
        return buffer:len()
    end
    if header_bytes > kHeaderBytesMin then
        add_tlvs(buffer(kHeaderBytesMin, header_bytes - kHeaderBytesMin), tree)
    end
    if payload_bytes > 0 then
        local payload = buffer(header_bytes, payload_bytes)
        local branch = tree:add(f.payload, payload)
        if kind >= 16 then
            add_tlvs(payload, branch)
        end
    end
    return buffer:len()
end

DissectorTable.get("udp.port"):add(kPort, posthaste)
