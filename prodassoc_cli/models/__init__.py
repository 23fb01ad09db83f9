"""The recommenders, one file a family, behind one contract.

`data` numbers users and products; `base` is the contract; `registry` finds a family by name; `trained.train`
fits one; `serving.recommend` makes lists; `artifact` turns a trained model into an Arrow table and back.
Nothing here is imported before it is needed: numba alone takes half a second.
"""

from prodassoc_cli.resources import lazy_import

# scipy takes all of numpy, of which it does not use these.
for module in ("numpy.f2py", "numpy.testing", "numpy.ma", "numpy.polynomial"):
    lazy_import(module)
