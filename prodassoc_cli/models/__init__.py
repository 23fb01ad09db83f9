"""The recommenders, one file per family, behind one contract.

`data` numbers users and products; `base` is the contract; `registry` finds a family by name; `model.train`
fits one; `serving.recommend` makes lists; `storage` turns a trained model into an Arrow table and back.
"""
