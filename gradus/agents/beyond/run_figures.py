"""The figures of a finished run of DRQN or UNREAL: functions of the run."""

from gradus.agents.run_figures import AGENT_RUN

MAZE_RUN = {**AGENT_RUN}
"""Figures of a run of UNREAL."""
MEMORY_RUN = {**AGENT_RUN}
"""Figures of a run of DRQN."""
