"""The web server's settings, for `gunicorn --config python:flexplatform.operations.gunicorn flexplatform.wsgi`."""

import atexit
import os
import shutil
import tempfile

from flexplatform.operations import logs

workers = int(os.environ.get("WEB_WORKERS", "2"))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "4"))
# Settings that cannot work are said once, and not by every worker.
preload_app = True
control_socket_disable = True
# Connections that a browser keeps open must not keep the server from ending for longer.
graceful_timeout = 10


def _folder_of_counts() -> str:
    """Make the folder in which the workers count requests; it goes with the process that made it."""
    folder, master = tempfile.mkdtemp(prefix="flexplatform-metrics-"), os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == master else None)
    return folder


# Read when prometheus-client is imported, which the application does later.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _folder_of_counts()

if os.environ.get("LOG_FORMAT") == logs.AS_JSON:
    logconfig_dict = logs.configuration(logs.AS_JSON, os.environ.get("LOG_LEVEL", "WARNING"))
    logconfig_dict["loggers"] |= {"gunicorn.error": {"propagate": True}, "gunicorn.access": {"propagate": False}}
