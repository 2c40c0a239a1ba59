"""The first row of a CSV: a person's row is not taken for names of columns; headers of all sorts are."""

from __future__ import annotations

import pytest

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import Source
from jobs.detection import header_row
from jobs.detection.names_as_data import NamesAreData

CSV = Source(path="/lake/t", format="csv")


def check(lines: str, source: Source = CSV, decided: tuple[ColumnPath, ...] = ()) -> None:
    first, *rest = (line.split(",") for line in lines.split("|"))
    header_row.check(source, first, [tuple(cell or None for cell in line) for line in rest], decided)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("C0012,JOHN SMITH,M,BERLIN|C0013,MARY JONES,F,COLOGNE", "columns at 1, 2"),
        ("JOHN,SMITH,M,12 Garden Street|MARY,JONES,F,3 Mill Lane", "columns at 1, 2, 4"),
        ("Smith,London,UK,nurse,female|Jones,Leeds,UK,clerk,male", "columns at 1, 3"),
        ("Müller,Hans,Bäcker,Köln|Meier,Anna,Ärztin,Bonn", "columns at 1, 2"),
        ("A-17,Lee,f,E11.9|A-19,Chen,m,I10.0", "columns at 1, 2, 4"),
        ("K12,aschmidt,female,Berlin|K13,bmueller,male,Bonn", "columns at 1"),
        ("4711,Okonkwo,female,pos|4712,Smith,male,neg", "columns at 1"),
        ("Herr Meier,Bonn,w|Frau Schulz,Köln,m", "columns at 1"),
        ("Smith; J.,ICU,2|Jones; K.,ER,3", "columns at 1, 3"),
        ("1987,Frei|1990,Voll", "columns at 1"),
        ("Oyelaran,Adewale,Lagos,married,HIV|Adeyemi,Tunde,Abuja,single,HIV", "columns at 5"),
        ("山田,太郎,東京都|鈴木,花子,大阪府", "nothing says that its first row is a header"),
        ("Oyelaran,married|Adeyemi,single", "nothing says that its first row is a header"),
        ("Mkhize,Durban,NULL|Dlamini,Soweto,17|Zulu,Durban,9", "columns at 2"),
        ("Thandiwe,?|Sipho,17|Lindiwe,9", "nothing says that its first row is a header"),
        ("van Niekerk,Pretoria|Botha,Durban", "nothing says that its first row is a header"),
        ("McDONALD,NY|SMITH,LA", "nothing says that its first row is a header"),
        ("Miss Mary Price,Leeds|Mr James Cole,York", "columns at 1"),
        ("Frei2,Voll,Voll2|Leer,Rot,Rot", "nothing says that its first row is a header"),
    ],
)
def test_a_row_of_values_is_no_header(lines: str, told: str) -> None:
    with pytest.raises(NamesAreData) as refused:
        check(lines)
    assert told in str(refused.value)
    assert not any(cell in str(refused.value) for cell in lines.split("|")[0].split(",") if len(cell) > 1)


def test_names_that_stand_twice_are_compared_without_their_place() -> None:
    header_row.check(CSV, ["id", "M1"], [("K1", "x")])
    with pytest.raises(NamesAreData, match="columns at 1, 2"):
        header_row.check(CSV, ["Rot0", "Rot1"], [("Rot", "Blau"), ("Gelb", "Rot")])


@pytest.mark.parametrize(
    "lines",
    [
        "name,age,2021,Paris|Anna,3,5,7",
        "Region,2021,2022,2023,2024|North,1,2,3,4",
        "0,1,2,3|1,2,3,4",
        "id,Name,Vorname,Ort,Straße,PLZ|1,Müller,Hans,Bonn,Weg,01234",
        "kategorie,bezeichnung|Bücher,Schöne|Spiele,Brett",
        "Verkäufer,Kunde|Meier,Schulz",
        "PassengerId,Survived,Name,Sex|1,0,Braund; Mr. Owen,male",
        "female,black,educ|0,1,12",
        "KUNDENNR,NACHNAME|K1,MEIER",
        "id,name|1,Anna|id,name|2,Ben",
        "_c0,age,city|0,31,Bonn|,age,city|0,40,Ulm",
        "id, name,name2|1,Anna,x|id,name,name|2,Ben,y",
        "student_id,A1,A2,A3|1,A,B,C|2,C,A,A",
        "id,mail,phone,city,Other|1,a@example.org,12,Bonn,Other",
        "came_from",
    ],
)
def test_headers_are_headers(lines: str) -> None:
    check(lines)


def test_what_somebody_said_is_so() -> None:
    row = "C0012,JOHN SMITH|C0013,MARY JONES"
    for stated in ({"schema": "a string, b string"}, {"options": {"header": "true"}}, {"options": {"header": "false"}}):
        check(row, Source.model_validate({"path": "/lake/t", "format": "csv", **stated}))
    check(row, Source(path="/lake/t", format="parquet"))
    check(row, decided=(ColumnPath.parse("`JOHN SMITH`"),))
