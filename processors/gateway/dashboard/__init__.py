"""What a workspace sees of itself in a browser: pages made here, of numbers that ``analytics`` answers.

``routes`` says which pages there are; ``signing_in`` lets in, by ``sessions``. A page is a view (``views``),
filled into a template; ``words`` writes numbers and times, ``assets`` has what pages load. The state of a
page is its address (``state``), which may be kept (``kept``): ``keeping`` saves and shares it, ``shared`` is
what whoever has a link sees.
"""
