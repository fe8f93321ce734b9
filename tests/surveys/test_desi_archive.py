"""Getting DESI spectra: where files are, what is fetched, and SPARCL by made-up answers in its client's form."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
import responses

from specanom.errors import ArgumentError, DataError, MissingDependency
from specanom.surveys import desi_archive, read, transfer
from specanom.surveys.desi_arms import GRID

BASE = "https://data.desi.lbl.gov/public/dr1/spectro/redux/iron"
COADD = f"{BASE}/healpix/main/dark/272/27247/coadd-main-dark-27247.fits"
Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits in tests; what would have been waited is noted."""
    noted: list[float] = []
    monkeypatch.setattr(desi_archive, "sleep", noted.append)
    monkeypatch.setattr(transfer, "sleep", noted.append)
    return noted


# -- where files are -----------------------------------------------------------------------------------------------


def test_each_release_has_its_own_tree() -> None:
    url = desi_archive.file_url
    assert url("main", "dark", 27247) == COADD
    assert url("sv3", "bright", 99, release="edr", kind="redrock").endswith(
        "/edr/spectro/redux/fuji/healpix/sv3/bright/0/99/redrock-sv3-bright-99.fits")
    assert url("main", "dark", 27247, release="dr3", specprod="new").endswith(
        "/new/spectra/main/dark/272/27247/coadd-main-dark-27247.fits")
    assert url("main", "dark", 5, kind="spectra").endswith("spectra-main-dark-5.fits.gz")
    with pytest.raises(ArgumentError, match="specprod"):
        url("main", "dark", 5, release="dr3")


def test_tiles_are_found_by_their_last_night() -> None:
    assert desi_archive.tile_url(80613, 20210324, 4, release="edr").endswith(
        "fuji/tiles/cumulative/80613/20210324/coadd-4-80613-thru20210324.fits")
    assert desi_archive.tile_url(80613, 20210324, 4, grouping="pernight").endswith("coadd-4-80613-20210324.fits")
    exposure = desi_archive.tile_url(80613, 68657, 4, grouping="perexp")
    assert exposure.endswith("/80613/00068657/coadd-4-80613-exp00068657.fits")
    assert desi_archive.catalogue_url("dr2").endswith("loa/zcatalog/v2/zall/zall-pix-loa.fits")


@pytest.mark.parametrize("call", [
    lambda: desi_archive.file_url("main", "dark", -1), lambda: desi_archive.file_url("main", "dark", 1.5),
    lambda: desi_archive.file_url("main", "dark", 1, release="dr9"), lambda: desi_archive.tile_url(1, 20210101, 10),
    lambda: desi_archive.file_url("main", "dark", 1, kind="coad"),
])
def test_wrong_addresses_are_refused(call: Callable[[], str]) -> None:
    with pytest.raises(ArgumentError):
        call()


# -- download --------------------------------------------------------------------------------------------------------


def test_files_of_targets_are_fetched_once_into_the_archives_own_tree(
    server: responses.RequestsMock, write_coadd: Write, write_redrock: Write, tmp_path: Path
) -> None:
    server.get(COADD, body=write_coadd("raw/c.fits").read_bytes())
    server.get(COADD.replace("coadd-", "redrock-"), body=write_redrock("raw/r.fits").read_bytes())
    table = pd.DataFrame({"TARGETID": [1, 2], "SURVEY": ["main"] * 2, "PROGRAM": ["dark"] * 2, "HEALPIX": [27247] * 2})
    report = desi_archive.download(table, tmp_path / "desi")
    assert repr(report) == "Report: 2 fetched, 0 there already, 0 failed"
    assert (tmp_path / "desi/healpix/main/dark/272/27247/coadd-main-dark-27247.fits").exists()
    assert [s.z for s in read(tmp_path / "desi", "desi")] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    count = len(server.calls)
    assert [one.status for one in desi_archive.download(table, tmp_path / "desi").outcomes] == ["kept", "kept"]
    assert len(server.calls) == count


@pytest.mark.parametrize("kind", [float, object, "Int64"])
def test_targets_whose_place_is_not_known_are_listed_and_stop_nothing(
    server: responses.RequestsMock, write_coadd: Write, tmp_path: Path, kind: Any
) -> None:
    server.get(COADD, body=write_coadd("raw/c.fits").read_bytes())
    table = pd.DataFrame({"TARGETID": [39633345008634465 + i for i in range(4)], "SURVEY": ["main"] * 3 + [None],
                          "PROGRAM": ["dark"] * 4, "HEALPIX": pd.Series([27247, -1, None, 27247], dtype=kind)})
    report = desi_archive.download(table, tmp_path / "desi", kinds=["coadd"])
    assert [one.status for one in report.outcomes] == ["fetched", "failed", "failed", "failed"]
    assert [one.id for one in report.failed] == [str(39633345008634465 + i) for i in (1, 2, 3)]
    assert all(one.reason.startswith("its place is not known: SURVEY ") for one in report.failed)
    petals = pd.DataFrame({"tile": [1], "petal": [12], "night": [20210324]})
    (lost,) = desi_archive.download(petals, tmp_path / "desi").outcomes
    assert (lost.id, lost.reason) == ("row 0", "its place is not known: tile 1, night 20210324, petal 12")
    with pytest.raises(ArgumentError, match="kinds"):
        desi_archive.download(table, tmp_path / "desi", kinds=["coad"])


def test_tiles_are_fetched_by_petal_and_what_is_not_there_is_listed(
    server: responses.RequestsMock, write_coadd: Write, tmp_path: Path
) -> None:
    url = f"{BASE}/tiles/cumulative/80613/20210324/coadd-4-80613-thru20210324.fits"
    server.get(url, body=write_coadd("raw/c.fits").read_bytes())
    server.get(url.replace("coadd", "redrock"), status=404)
    table = pd.DataFrame({"TILEID": [80613], "PETAL_LOC": [4], "LASTNIGHT": [20210324]})
    report = desi_archive.download(table, tmp_path / "desi", workers=1)
    assert [one.status for one in report.outcomes] == ["fetched", "failed"]
    assert "404" in report.failed[0].reason


def test_packed_exposures_are_fetched_again_until_they_unpack(
    server: responses.RequestsMock, write_coadd: Write, tmp_path: Path, waits: list[float]
) -> None:
    packed = gzip.compress(write_coadd("raw/s.fits", ids=(7, 7)).read_bytes(), 1)
    url = COADD.replace("coadd-", "spectra-") + ".gz"
    server.get(url, body=b"")                                   # the probe
    server.get(url, body=packed[: len(packed) // 2])
    server.get(url, body=packed)
    table = pd.DataFrame({"survey": ["main"], "program": ["dark"], "healpix": [27247]})
    report = desi_archive.download(table, tmp_path / "desi", kinds=["spectra"], workers=1)
    assert report.outcomes[0].status == "fetched"
    assert Path(report.paths[0]).read_bytes() == packed
    assert waits == [1.0]
    assert [s.id for s in read(tmp_path / "desi")] == ["7"]
    assert desi_archive.download(table, tmp_path / "desi", kinds=["spectra"]).outcomes[0].status == "kept"


def test_offline_the_download_fails_at_once(server: responses.RequestsMock, tmp_path: Path) -> None:
    server.get(COADD, body=requests.ConnectionError("no route"))
    table = pd.DataFrame({"survey": ["main"], "program": ["dark"], "healpix": [27247]})
    with pytest.raises(DataError, match=r"the DESI archive, got no connection\. Try"):
        desi_archive.download(table, tmp_path)
    assert len(server.calls) == 1


def test_a_table_that_says_no_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="survey, program and healpix, or tile, petal and night"):
        desi_archive.download(pd.DataFrame({"TARGETID": [1]}), tmp_path)
    with pytest.raises(ArgumentError, match="workers"):
        desi_archive.download(pd.DataFrame({"TARGETID": [1]}), tmp_path, workers=9)


# -- SPARCL ------------------------------------------------------------------------------------------------------------


class MadeUp:
    """A stand-in for SparclClient whose answers are made up, in the shape that SPARCL documents; none was recorded.

    It fails as often as it is told to.
    """

    def __init__(self, has: Sequence[int], fails: int = 0) -> None:
        self.has, self.fails, self.asked = set(has), fails, []

    def get_available_fields(self, *, dataset_list: list[str]) -> set[str]:
        return set(desi_archive.FIELDS) - {"deltachi2", "subtype"} | {"sparcl_id", "model"}

    def retrieve_by_specid(self, specid_list: list[int], *, include: list[str], dataset_list: list[str],
                           limit: int) -> Any:
        self.asked.append((specid_list, include, dataset_list))
        if self.fails:
            self.fails -= 1
            raise requests.ReadTimeout("slow")
        return SimpleNamespace(records=[record(id, primary) for id in specid_list if id in self.has
                                        for primary in (False, True)])


def record(id: int, primary: bool) -> dict[str, Any]:
    """A record of SPARCL with random pixels."""
    rng = np.random.default_rng(id % 2**32)
    mask = np.zeros(7781, int)
    mask[5] = 4
    return {"targetid": id, "ra": 150.0, "dec": 2.0, "redshift": 0.25 if primary else 9.0, "redshift_err": 1e-5,
            "redshift_warning": 0, "spectype": "GALAXY", "survey": "main", "program": "dark", "healpix": 27247,
            "exptime": 900.0, "specprimary": primary, "wavelength": GRID.copy(), "flux": rng.normal(5, 1, 7781),
            "ivar": np.ones(7781), "mask": mask}


IDS = [39633345008634465 + i for i in range(5)]


def test_spectra_by_targetid_are_kept_as_files_that_are_read(tmp_path: Path) -> None:
    client = MadeUp(IDS)
    report = desi_archive.fetch([str(id) for id in IDS], tmp_path, client=client, chunk=2)
    assert [len(ids) for ids, _, _ in client.asked] == [2, 2, 1]
    assert client.asked[0][2] == ["DESI-DR1"]
    assert "deltachi2" not in client.asked[0][1]
    assert repr(report) == "Report: 5 fetched, 0 there already, 0 failed"
    found = {s.id: s for s in read(tmp_path, target="galaxy")}
    assert sorted(found) == [str(id) for id in IDS]
    first = found["39633345008634465"]
    np.testing.assert_array_equal(first.flux[6:], record(IDS[0], True)["flux"].astype("f4")[6:])
    assert np.isnan(first.flux[5])
    assert (first.z, first.meta["survey_program"], first.meta["healpix"]) == (0.25, "main-dark", 27247)


def test_an_interrupted_fetch_is_continued(tmp_path: Path) -> None:
    desi_archive.fetch(IDS[:2], tmp_path, client=MadeUp(IDS), chunk=2)
    client = MadeUp(IDS)
    report = desi_archive.fetch(IDS, tmp_path, client=client, chunk=2)
    assert [ids for ids, _, _ in client.asked] == [IDS[2:4], IDS[4:]]
    assert [one.status for one in report.outcomes] == ["kept", "kept", "fetched", "fetched", "fetched"]


def test_a_busy_server_is_asked_again_and_then_given_up(tmp_path: Path, waits: list[float]) -> None:
    report = desi_archive.fetch(IDS, tmp_path, client=MadeUp(IDS, fails=2))
    assert len(report.paths) == 5
    assert waits == [1.0, 2.0]
    report = desi_archive.fetch(IDS[:1], tmp_path, client=MadeUp(IDS, fails=9), retries=1)
    assert report.failed[0].reason == "ReadTimeout: slow"


def test_targets_that_sparcl_does_not_have_are_listed(tmp_path: Path) -> None:
    report = desi_archive.fetch([*IDS, 5], tmp_path, client=MadeUp(IDS))
    assert [(one.id, one.reason) for one in report.failed] == [
        ("5", "SPARCL has no spectrum of it on the grid of DESI")]
    none = desi_archive.fetch([6], tmp_path, client=MadeUp(IDS))
    assert none.failed[0].reason == "SPARCL has no such target"


def test_ids_that_lost_digits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="keeps 16 of their digits"):
        desi_archive.fetch([39633345008634465.0], tmp_path, client=MadeUp(IDS))     # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="chunk"):
        desi_archive.fetch(IDS, tmp_path, client=MadeUp(IDS), chunk=501)


def test_the_client_is_made_only_when_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desi_archive.fetch(IDS, tmp_path, client=MadeUp(IDS))
    monkeypatch.setitem(sys.modules, "sparcl.client", None)
    assert {one.status for one in desi_archive.fetch(IDS, tmp_path).outcomes} == {"kept"}
    with pytest.raises(MissingDependency, match=r"specanom\[desi\]"):
        desi_archive.fetch([7], tmp_path)


def test_a_server_that_cannot_be_reached_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise RuntimeError("Could not connect to https://astrosparcl.datalab.noirlab.edu/sparc/version/")

    monkeypatch.setitem(sys.modules, "sparcl.client", SimpleNamespace(SparclClient=refuse))
    with pytest.raises(DataError, match=r"the SPARCL server, got no answer: Could not connect.*Try: connect"):
        desi_archive.fetch([7], tmp_path)
