"""What judges Cairn: the Python behind the commands in tools/.

A command there is a few lines that call a module here. A module that is a program of its own is started by
`places.program`.
"""
