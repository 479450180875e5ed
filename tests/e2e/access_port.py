# SPDX-License-Identifier: BSD-3-Clause
"""A switch's access port: tags what the host sends, and takes the tag off what it gets.

Frames without the tag, or with another, are counted and go no further. The kernel's own VLAN
devices would do, where the kernel has them; this needs packet sockets only.
"""
import select
import socket
import struct
import threading

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_IGNORE_OUTGOING = 23
TP_STATUS_VLAN_VALID = 0x10
AUXDATA = struct.Struct("=IIIHHHH")
TAG = struct.Struct("!HH")


class AccessPort:
    """Joins two interfaces of a namespace; runs in a thread of its own until close()."""

    def __init__(self, namespace, trunk, access, vlan):
        self.vlan = vlan
        self.refused = 0
        self.tagged = 0
        self._trunk = self._open(namespace, trunk)
        self._access = self._open(namespace, access)
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @staticmethod
    def _open(namespace, interface):
        raw = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        raw.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        raw.bind((interface, ETH_P_ALL))
        return raw

    def close(self):
        self._stop.close()
        self._thread.join()
        self._trunk.close()
        self._access.close()
        self._stopped.close()

    def _run(self):
        while True:
            ready = select.select([self._trunk, self._access, self._stopped], [], [])[0]
            if self._stopped in ready:
                return
            if self._trunk in ready:
                self._from_trunk()
            if self._access in ready:
                frame = self._access.recv(65_535)
                self._trunk.send(frame[:12] + TAG.pack(0x8100, self.vlan) + frame[12:])

    def _from_trunk(self):
        frame, ancillary, _, _ = self._trunk.recvmsg(65_535, socket.CMSG_SPACE(AUXDATA.size))
        for level, kind, data in ancillary:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, *_, tci, _ = AUXDATA.unpack(data[:AUXDATA.size])
                if status & TP_STATUS_VLAN_VALID and tci & 0xfff == self.vlan:
                    self.tagged += 1
                    self._access.send(frame)  # the kernel has taken the tag off already
                    return
        self.refused += 1
