"""The figures of a finished run on reviews: functions of the run."""

from gradus.nn.run_figures import curves

RUN = {"learning-curves": curves}
