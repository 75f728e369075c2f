"""A server did not answer: what to do about it depends on who said where it is."""

from processors.errors import LeadstreamError
from processors.settings import variable
from processors.settings.loading import DEFAULT, RUNNING_UP, source_of
from processors.settings.running import LOGS, busy_in, nearest_data, running_up


def remedy_of(error: LeadstreamError) -> str:
    """That of the error; of a server whose address nobody has set, what gives it one."""
    if not error.where:
        return error.remedy
    up = running_up()
    source = source_of(error.where, up)
    if source == DEFAULT:
        name = variable(error.where)
        if pid := busy_in(nearest_data()):
            return f"The `leadstream up` of process {pid} is starting or ending: wait for it, or set {name}."
        return f"No `leadstream up` runs here: start one in this directory, or set {name}."
    if source == RUNNING_UP and up is not None:
        return f"`leadstream up` (process {up.pid}) says that it is there; its logs are in {up.data / LOGS}."
    return error.remedy
