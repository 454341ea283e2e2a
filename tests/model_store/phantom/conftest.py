import pytest

from model_store.phantom import Pose, Projection, Subject, make_subject, project


@pytest.fixture(scope="session")
def subject() -> Subject:
    return make_subject(3, "R")


@pytest.fixture(scope="session")
def film_at_baseline(subject: Subject) -> Projection:
    return project(subject, Pose(), supersample=1)
