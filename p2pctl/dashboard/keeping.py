"""What of the screen is kept until the next run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p2pctl.dashboard.widgets.record_list import RecordList

if TYPE_CHECKING:
    from p2pctl.dashboard.app import Dashboard


def kept(app: Dashboard) -> dict[str, object]:
    """What is worth keeping. To be asked before the screen closes. Lists that nobody looked at stay as they were."""
    lists = {**app.shown.lists, **{one.id: one.state() for one in app.query(RecordList) if one.id}}
    theme = app.theme if app.theme != "textual-dark" else None
    return {"view": app.view.NAME, "theme": theme, "interval": app.sampler.interval, "lists": lists}
