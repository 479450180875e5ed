# SPDX-License-Identifier: BSD-3-Clause
"""A laboratory of network namespaces: routers on af_packet ports, agents on kernel sockets.

The quickstart and the end-to-end tests are built of it. Needs root; touches nothing but what it
made itself, and takes that away again.
"""
