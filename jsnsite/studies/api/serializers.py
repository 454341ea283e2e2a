"""Studies, sites, patients and timepoints over REST."""

from __future__ import annotations

from rest_framework import serializers

from jsnsite.exports.fields import code_of, uuid_of
from jsnsite.studies.models import Patient, Site, Study, Timepoint


class StudySerializer(serializers.ModelSerializer[Study]):
    joints = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Joints that the study measures."
    )

    class Meta:
        model = Study
        fields = ["uuid", "code", "name", "joints"]
        read_only_fields = fields


class SiteSerializer(serializers.ModelSerializer[Site]):
    study_code = code_of("study")

    class Meta:
        model = Site
        fields = ["uuid", "study_code", "code", "name"]
        read_only_fields = fields


class PatientSerializer(serializers.ModelSerializer[Patient]):
    study_code = code_of("site.study")
    site_code = code_of("site")

    class Meta:
        model = Patient
        fields = ["uuid", "study_code", "site_code", "code"]
        read_only_fields = fields


class TimepointSerializer(serializers.ModelSerializer[Timepoint]):
    study_code = code_of("patient.site.study")
    site_code = code_of("patient.site")
    patient_code = code_of("patient")
    patient_uuid = uuid_of("patient")

    class Meta:
        model = Timepoint
        fields = [
            "uuid", "study_code", "site_code", "patient_code", "patient_uuid", "ordinal", "date", "label",
        ]  # fmt: skip
        read_only_fields = fields
