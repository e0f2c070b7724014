"""Settings of the property tests."""

from hypothesis import HealthCheck, Phase, configuration, settings

from scripts.paths import HOME

# The same steps each time, unless pytest is told --hypothesis-profile=thorough. Failures are not
# explained line by line: for that Hypothesis traces all code. This takes longer than the test, and
# under it Python 3.11 was seen to hang.
PHASES = [phase for phase in Phase if phase is not Phase.explain]
configuration.set_hypothesis_home_dir(HOME / "hypothesis")
SHARED = {"deadline": None, "phases": PHASES, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeatable", derandomize=True, max_examples=80, stateful_step_count=50, **SHARED)
settings.register_profile("thorough", max_examples=2000, stateful_step_count=60, **SHARED)
settings.load_profile("repeatable")
