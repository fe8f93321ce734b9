"""Files of strangers: read whole, checked field by field against a table of forms, and never executed.

A model, a set of explanations, a knowledge base or a catalogue may come from anybody. What is read of one is JSON,
safetensors, npy arrays, Zarr and Parquet; none of them can hold code here. Before memory is taken for what a file
says it holds, that is compared with what it can hold by its size, and every fault is a ``DataError`` with the name of
the file, of the field, what was expected and what is there.

===========================  ===================================================================================
:func:`read_json`            a JSON file, no larger than it may be, no key twice
:func:`parse_json`           the same of text
:func:`check`                compare what was read with a form
:func:`read_arrays`          arrays of an npz file
:func:`open_npy`             the array of an npy file, mapped into memory
:func:`read_tensors`         tensors of a safetensors file
:func:`open_arrays`          a Zarr group, its metadata compared with what lies on the disk
:func:`read_table`           a Parquet file
:func:`check_csv`            compare a table in text with what it makes in memory
:func:`check_ecsv`           compare the header of an ECSV file with what it stands for
:func:`read_ecsv`            an ECSV file
:func:`check_votable`        compare a VOTable with what it makes in memory
:func:`open_fits`            FITS for astropy, each size in it compared with the file
:func:`read_fits_table`      the first table of a FITS file
:func:`damaged`              turns what an opened file leads to into a ``DataError`` that names it
===========================  ===================================================================================
"""

from .arrays import open_npy, read_arrays, read_tensors
from .fits_tables import open_fits, read_fits_table
from .forms import (
    Anything,
    Either,
    Flag,
    Form,
    ListOf,
    MapOf,
    Maybe,
    Number,
    Place,
    Record,
    Text,
    Whole,
    check,
)
from .groups import open_arrays
from .reading import damaged, parse_json, read_json, regular
from .tables import believed, read_table
from .texts import check_csv, check_ecsv, read_ecsv
from .votables import check_votable

__all__ = ["Anything", "Either", "Flag", "Form", "ListOf", "MapOf", "Maybe", "Number", "Place", "Record", "Text",
           "Whole", "believed", "check", "check_csv", "check_ecsv", "check_votable", "damaged", "open_arrays",
           "open_fits", "open_npy", "parse_json", "read_arrays", "read_ecsv", "read_fits_table", "read_json",
           "read_table", "read_tensors", "regular"]
