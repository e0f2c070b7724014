"""How the property tests that need no database are run."""

from hypothesis import HealthCheck, Phase, configuration, settings

from scripts.paths import HOME

# The same examples each time, unless pytest is told --hypothesis-profile=thorough
PHASES = [phase for phase in Phase if phase is not Phase.explain]
configuration.set_hypothesis_home_dir(HOME / "hypothesis")
shared = {"deadline": None, "phases": PHASES, "suppress_health_check": list(HealthCheck)}
settings.register_profile("repeatable", derandomize=True, max_examples=200, **shared)
settings.register_profile("thorough", max_examples=5000, **shared)
settings.load_profile("repeatable")
