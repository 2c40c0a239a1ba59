"""References between records, as FHIR writes them: ``Patient/17``, with a server before it and a version behind.

The kind of record stands before the slash and is a word of the standard; the rest is the id that it is joined by.
"""

from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches

PERSONS = ("Patient", "Person", "RelatedPerson", "Practitioner", "PractitionerRole")
OTHERS = (
    "Account", "AdverseEvent", "AllergyIntolerance", "Appointment", "AppointmentResponse", "BodyStructure", "CarePlan",
    "CareTeam", "ChargeItem", "Claim", "ClaimResponse", "ClinicalImpression", "Communication", "Composition",
    "Condition", "Consent", "Contract", "Coverage", "DetectedIssue", "Device", "DeviceRequest", "DiagnosticReport",
    "DocumentReference", "Encounter", "EpisodeOfCare", "ExplanationOfBenefit", "FamilyMemberHistory", "Flag", "Goal",
    "Group", "HealthcareService", "ImagingStudy", "Immunization", "Invoice", "List", "Location", "Media", "Medication",
    "MedicationAdministration", "MedicationDispense", "MedicationRequest", "MedicationStatement", "NutritionOrder",
    "Observation", "Organization", "Procedure", "Provenance", "Questionnaire", "QuestionnaireResponse", "ResearchStudy",
    "ResearchSubject", "RiskAssessment", "Schedule", "ServiceRequest", "Slot", "Specimen", "Substance", "Task",
    "VisionPrescription",
)  # fmt: skip
_BEFORE, _BEHIND = r"^(?:https?://[^\s?#]+/)?", r"/[A-Za-z0-9.\-]{1,64}(?:/_history/[A-Za-z0-9.\-]{1,64})?$"
PERSON = rf"{_BEFORE}(?:{'|'.join(PERSONS)}){_BEHIND}"
URN = r"^urn:uuid:[A-Za-z0-9.\-]{1,64}$"
RECORD = rf"{_BEFORE}(?:{'|'.join(OTHERS)}){_BEHIND}"


def recognize(values: pa.StringArray) -> Findings:
    """``reference:person`` to somebody, ``reference:record`` to any other record; ``prefix:Patient/`` and the like, of
    the standard's own words and ``urn:uuid:`` alone, where nothing but one stands before an id."""
    persons, records = matches(values, PERSON), matches(values, RECORD)
    found = {"reference:person": persons, "reference:record": records, "prefix:urn:uuid:": matches(values, URN)}
    plain = matches(values, r"^[A-Z]") & (persons | records)
    for name in (*PERSONS, *OTHERS) if plain.any() else ():
        found[f"prefix:{name}/"] = plain & matches(values, f"^{name}/")
    return found
