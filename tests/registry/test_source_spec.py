"""A source in one line: what is read, what is refused, and that names read back."""

import pytest

from pixvox_registry import UserError
from pixvox_registry.source_spec import build_source, parse_source


@pytest.mark.parametrize(
    ("text", "argument", "settings"),
    [
        ("image_folder:/a,b=c", "/a", {"b": "c"}),
        ("image_folder:'/a,b=c'", "/a,b=c", {}),
        ("image_folder:/a,b c,d", "/a,b c,d", {}),
        ("image_folder:/a=b/c", "/a=b/c", {}),
        ('image_folder:/x,image_size=9,word="1,z=2"', "/x", {"image_size": 9, "word": "1,z=2"}),
        ("s:x,a=1e-3,b=-2,c=TRUE,d=none,e='7'", "x", dict(a=1e-3, b=-2, c=True, d=None, e="7")),
        ("phantoms", None, {}),
        ("phantoms,count=3", None, {"count": 3}),
        ("image_folder:2024", "2024", {}),
    ],
)
def test_a_comma_begins_a_setting_only_before_a_key(text, argument, settings):
    assert parse_source(text)[1:] == (argument, settings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("phantom:shapes_2d", "Did you mean 'phantoms'"),
        ("phantoms:shapes_2d,cuont=4", "Did you mean 'count'"),
        ("phantoms:shapes_2d,count=many", "wants count as int"),
        ("phantoms:shapes_2d,count=true", "wants count as int"),
        ("phantoms:shapes_2d,count=none", "wants count as int"),
        ("phantoms:shapes_2d,count=1,count=2", "twice"),
        ("phantoms:shapes_2d,kind=shapes_3d", "twice"),
        ("medmnist", "needs 'flag'"),
        ("medmnist:", "written NAME"),
        (":x", "written NAME"),
        ("", "written NAME"),
        ("builtins.print:x", "No source"),
    ],
)
def test_what_does_not_fit_is_refused(text, said):
    with pytest.raises(UserError, match=said.replace("[", r"\[")):
        build_source(text)


@pytest.mark.parametrize(
    "text",
    [
        "medmnist:breastmnist",
        "medmnist:adrenalmnist3d,size=64",
        "medmnist:pneumoniamnist,file=my_copy.npz,allow_unverified=true",
        'medmnist:pneumoniamnist,file="28"',
        "phantoms:texture_3d,count=12,seed=3",
        "image_folder:/scans with blanks/a,b,channels=3,labelled=true",
        'image_folder:"/scans/a,size=2",image_size=96',
    ],
)
def test_the_name_of_a_source_builds_it_again(text):
    source = build_source(text)
    assert source.name == text
    assert vars(build_source(source.name)) == vars(source)
