"""Readers accept, flag and withdraw; what they said stays."""

from __future__ import annotations

import pytest

from jsnsite.errors import DomainError, NotAllowed
from jsnsite.reviews import queries, services
from jsnsite.reviews.models import Read
from jsnsite.scoping import Role
from tests.jsnsite.factories import member


def test_the_newest_read_of_each_reader_counts(world, measured):
    measurement = measured["b"]
    services.accept(measurement=measurement, reader=world.reviewer_one)
    services.flag(measurement=measurement, reader=world.reviewer_one, reason_code="mismatch")
    services.accept(measurement=measurement, reader=world.reviewer_b, comment="  fine ")
    standing = queries.reads_of(world.admin_one, measurement)
    assert [(read.reader, read.verdict, read.comment) for read in standing] == [
        (world.reviewer_b, "accepted", "fine"),
        (world.reviewer_one, "flagged", ""),
    ]
    assert queries.own_read(world.reviewer_one, measurement).reason_code == "mismatch"
    assert Read.objects.count() == 3


def test_a_withdrawn_read_stands_no_more_and_stays_in_the_record(world, measured):
    measurement = measured["a"]
    services.flag(
        measurement=measurement, reader=world.reviewer_one, reason_code="other", comment="blurred tip"
    )
    services.withdraw(measurement=measurement, reader=world.reviewer_one)
    assert not queries.reads_of(world.reviewer_one, measurement).exists()
    assert queries.own_read(world.reviewer_one, measurement) is None
    assert Read.objects.count() == 2
    with pytest.raises(DomainError):
        services.withdraw(measurement=measurement, reader=world.reviewer_one)


@pytest.mark.parametrize(
    ("reason", "comment"), [("", ""), ("nonsense", "x"), ("other", ""), ("other", "   ")]
)
def test_a_flag_needs_a_reason_from_the_list_and_other_needs_words(world, measured, reason, comment):
    with pytest.raises(DomainError):
        services.flag(
            measurement=measured["a"], reader=world.reviewer_one, reason_code=reason, comment=comment
        )


@pytest.mark.parametrize("name", ["staff_a", "trial_one", "admin_one", "reviewer_b", "staff_c", "outsider"])
def test_only_reviewers_in_scope_read(world, measured, name):
    reader = getattr(world, name)
    assert not queries.may_read(reader, measured["a"])
    with pytest.raises(NotAllowed):
        services.accept(measurement=measured["a"], reader=reader)
    assert not Read.objects.exists()


def test_reads_out_of_scope_are_not_seen(world, measured):
    services.accept(measurement=measured["a"], reader=world.reviewer_one)
    assert queries.reads(world.staff_a).count() == 1
    assert queries.reads(world.staff_b).count() == queries.reads(world.staff_c).count() == 0


def test_the_worklist_holds_what_asks_for_a_reader_and_nothing_else(world):
    from tests.jsnsite.factories import MeasurementFactory, RadiographFactory

    def worklist(reader):
        return [row.measurement for row in queries.worklist(reader)]

    first, second = world.timepoints(world.a)
    doubtful = MeasurementFactory(
        run__baseline__timepoint=first,
        run__followup=RadiographFactory(timepoint=second),
        reliability="review",
    )
    assert worklist(world.reviewer_one) == [doubtful]
    assert worklist(world.reviewer_b) == worklist(world.staff_a) == []
    services.accept(measurement=doubtful, reader=world.reviewer_one)
    assert worklist(world.reviewer_one) == []
    second_reader = member(Role.REVIEWER, world.one)
    assert worklist(second_reader) == [doubtful]
