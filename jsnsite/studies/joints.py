"""Names of the finger joints, in reading order."""

#: The ten joints that a study measures unless it says otherwise.
DEFAULT_JOINTS = ("MCP1", "MCP2", "MCP3", "MCP4", "MCP5", "IP1", "PIP2", "PIP3", "PIP4", "PIP5")
#: Distal interphalangeal joints, where a study wants them.
OPTIONAL_JOINTS = ("DIP2", "DIP3", "DIP4", "DIP5")
JOINTS = DEFAULT_JOINTS + OPTIONAL_JOINTS


def default_joints() -> list[str]:
    return list(DEFAULT_JOINTS)
