"""The one lock of the kernel.

Since JupyterLab 4.4 and ipykernel 7, messages from widgets are handled by a thread of their own while cells run in the
main thread, and background work has threads too. Whatever changes a dashboard or its figures holds this lock.
"""

from __future__ import annotations

import threading

LOCK = threading.RLock()
