"""The socket that all workers accept from, and how it stops without losing who is in its queue."""

import ctypes
import socket
import struct
import sys

from windowclf.errors import WindowClfError

BACKLOG = 1024
_UNREAD_MS = 30_000  # that a client may leave an answer lying before its connection is given up
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h; Python has no name for it
_DROP_ALL = struct.pack("=HBBI", 0x06, 0, 0, 0)  # linux/filter.h: BPF_RET | BPF_K, keep 0 bytes


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    WindowClfError
        If the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:  # UnicodeError: no host can have such a name
        reason = getattr(error, "strerror", None) or str(error)
        raise WindowClfError(
            f"cannot listen there: {reason.partition(' (while')[0]}",  # Python adds the address once more
            where=f"{host}:{port}",
            hint="Give another --port, or --host; --port 0 takes a free one.",
        ) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit both
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
    return listener


def stop_new_connections(listener: socket.socket) -> bool:
    """Let no more connections into the queue of a listening socket, and keep those that are in it.

    Closing the socket would reset the connections that wait in its queue, some with a whole request already
    sent. A filter that drops every packet to the listening socket itself (Linux, socket(7): SO_ATTACH_FILTER)
    lets workers empty the queue first; clients that come in between try again and then find nobody there.

    Returns
    -------
    bool
        False where the system has no such filter; the socket is as it was.
    """
    if sys.platform != "linux":
        return False
    program = ctypes.create_string_buffer(_DROP_ALL)
    # struct sock_fprog: unsigned short len; struct sock_filter *filter
    header = struct.pack("@HP", 1, ctypes.addressof(program))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)
    except OSError:
        return False
    return True


def address_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
