"""Pages of docs/ that are written from the program itself: formulas, exceptions, traceability.

``python -m settlement.documentation`` writes them; ``--check`` says which are not current. What does
not belong here: anything a run needs.
"""
