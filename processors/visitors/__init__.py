"""Who follows a link, as far as the request says it: address, place, browser; robot or not.

Pure look-ups, apart from the two files that are read at the start; nothing is remembered but what a text
means. Knows neither links nor clicks.
"""
