"""The promises of ``cases.ViewSetCases``, for every address under /api/v1/."""

from __future__ import annotations

from jsnsite.exports.urls import router
from jsnsite.measurements.models import JointMeasurement, JointTrend, Run
from jsnsite.radiographs.models import BoneOutline, JointAnnotation, Radiograph
from jsnsite.reviews.models import Read
from jsnsite.studies.models import Patient, Site, Study, Timepoint
from tests.jsnsite.api.cases import ViewSetCases


class TestStudies(ViewSetCases):
    name, model, to_site = "studies", Study, "sites__code"


class TestSites(ViewSetCases):
    name, model, to_site = "sites", Site, "code"


class TestPatients(ViewSetCases):
    name, model, to_site = "patients", Patient, "site__code"


class TestTimepoints(ViewSetCases):
    name, model, to_site = "timepoints", Timepoint, "patient__site__code"


class TestRadiographs(ViewSetCases):
    name, model, to_site = "radiographs", Radiograph, "timepoint__patient__site__code"
    writable = True


class TestAnnotations(ViewSetCases):
    name, model = "annotations", JointAnnotation
    to_site = "radiograph__timepoint__patient__site__code"


class TestOutlines(ViewSetCases):
    name, model = "outlines", BoneOutline
    to_site = "radiograph__timepoint__patient__site__code"


class TestRuns(ViewSetCases):
    name, model, to_site = "runs", Run, "followup__timepoint__patient__site__code"


class TestMeasurements(ViewSetCases):
    name, model = "measurements", JointMeasurement
    to_site = "run__followup__timepoint__patient__site__code"


class TestTrends(ViewSetCases):
    name, model, to_site = "trends", JointTrend, "patient__site__code"


class TestReads(ViewSetCases):
    name, model = "reads", Read
    to_site = "measurement__run__followup__timepoint__patient__site__code"
    writable = True


def test_every_viewset_is_under_test():
    assert {prefix for prefix, _, _ in router.registry} == {
        cases.name for cases in ViewSetCases.__subclasses__()
    }
