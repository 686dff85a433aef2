"""What a lab can break on purpose: one file per kind of fault below `kinds`, discovered by the registry.

A fault changes the node itself (its API server, its task workers, its devices, its disks), never the client under test.
"""
