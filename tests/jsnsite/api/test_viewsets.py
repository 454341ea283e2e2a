"""The promises of ``cases.ViewSetCases``, for every address under /api/v1/."""

from __future__ import annotations

from jsnsite.exports.urls import router
from jsnsite.measurements.models import JointMeasurement, JointTrend, Run
from jsnsite.radiographs.models import BoneOutline, JointAnnotation, Radiograph
from jsnsite.reviews.models import Assignment, Read
from jsnsite.studies.models import Patient, Site, Study, Timepoint
from tests.jsnsite.api.cases import SEES, ViewSetCases


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

    def uuids(self, *site_codes):
        return self.of(site_codes, "")

    def seen_by(self, who):
        """Readers see trends that others' verdicts do not change."""
        return self.of(SEES[who], "unread" if who.startswith("reviewer") else "")

    def of(self, site_codes, audience):
        rows = JointTrend.objects.filter(patient__site__code__in=site_codes, audience=audience)
        return {str(uuid) for uuid in rows.values_list("uuid", flat=True)}


class TestReads(ViewSetCases):
    name, model = "reads", Read
    to_site = "measurement__run__followup__timepoint__patient__site__code"
    writable = True

    def seen_by(self, who):
        """Readers see their own only; here the superuser has read."""
        return set() if who.startswith("reviewer") else super().seen_by(who)


class TestAssignments(ViewSetCases):
    name, model, to_site = "assignments", Assignment, "patient__site__code"
    writable = True
    viewer = "admin_one"

    def seen_by(self, who):
        """Administrators see all of their study, readers what is assigned to them, others nothing."""
        if who in ("admin_one", "superuser"):
            return super().seen_by(who)
        rows = Assignment.objects.filter(reader__username=who)
        return {str(uuid) for uuid in rows.values_list("uuid", flat=True)}

    def test_rows_are_not_changed_over_rest(self, everything, client_of):
        for method in ("put", "patch"):
            assert getattr(client_of("superuser"), method)(self.one_at("a"), {}).status_code == 405


def test_every_viewset_is_under_test():
    assert {prefix for prefix, _, _ in router.registry} == {
        cases.name for cases in ViewSetCases.__subclasses__()
    }
