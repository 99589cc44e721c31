"""The views, one a module."""

from p2pctl.dashboard.views.log import Log
from p2pctl.dashboard.views.matrix import Matrix
from p2pctl.dashboard.views.overview import Overview
from p2pctl.dashboard.views.pools import Pools
from p2pctl.dashboard.views.target import Target
from p2pctl.dashboard.views.topology import Topology

VIEWS = (Overview, Pools, Topology, Matrix, Target, Log)
"""In the order of their keys."""
