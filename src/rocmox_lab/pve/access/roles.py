"""Privileges and the roles PVE is born with (PVE::AccessControl), per version."""

from __future__ import annotations

_USER = {
    "Datastore": ["Datastore.AllocateSpace", "Datastore.Audit"],
    "VM": ["VM.Audit", "VM.Backup", "VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Console", "VM.PowerMgmt"],
    "SDN": ["SDN.Audit", "SDN.Use"],
    "Mapping": ["Mapping.Audit", "Mapping.Use"],
    "Pool": ["Pool.Audit"],
}
_VM_ADMIN = [
    *_USER["VM"],
    "VM.Allocate",
    "VM.Clone",
    "VM.Config.CPU",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Migrate",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
]
_DATASTORE_ADMIN = ["Datastore.Allocate", "Datastore.AllocateTemplate", *_USER["Datastore"]]
_USER_ADMIN = ["Group.Allocate", "Realm.AllocateUser", "User.Modify"]
_SYS_ADMIN = ["Sys.Audit", "Sys.Console", "Sys.Syslog"]
_AUDITOR = ["Datastore.Audit", "Mapping.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit"]
_ROOT_ONLY = [
    "Mapping.Modify",
    "Permissions.Modify",
    "Realm.Allocate",
    "Sys.AccessNetwork",
    "Sys.Incoming",
    "Sys.Modify",
    "Sys.PowerMgmt",
]
_GUEST_AGENT = [
    "VM.GuestAgent.Audit",
    "VM.GuestAgent.FileRead",
    "VM.GuestAgent.FileSystemMgmt",
    "VM.GuestAgent.FileWrite",
    "VM.GuestAgent.Unrestricted",
]


def builtin(version: str) -> dict[str, frozenset[str]]:
    """Role name → privileges. PVE 9 drops VM.Monitor, splits the guest agent off and adds VM.Replicate."""
    vm_admin = [*_VM_ADMIN, *(["VM.Monitor"] if version.startswith("8.") else [*_GUEST_AGENT, "VM.Replicate"])]
    admin = {
        *vm_admin,
        *_DATASTORE_ADMIN,
        *_USER_ADMIN,
        *_SYS_ADMIN,
        *_USER["Mapping"],
        "Pool.Allocate",
        "Pool.Audit",
        "SDN.Allocate",
        *_USER["SDN"],
    }
    auditor = [*_AUDITOR, *([] if version.startswith("8.") else ["VM.GuestAgent.Audit"])]
    roles = {
        "Administrator": [*admin, *_ROOT_ONLY],
        "NoAccess": [],
        "PVEAdmin": admin,
        "PVEAuditor": auditor,
        "PVEDatastoreAdmin": _DATASTORE_ADMIN,
        "PVEDatastoreUser": _USER["Datastore"],
        "PVEMappingAdmin": [*_USER["Mapping"], "Mapping.Modify"],
        "PVEMappingUser": _USER["Mapping"],
        "PVEPoolAdmin": ["Pool.Allocate", "Pool.Audit"],
        "PVEPoolUser": _USER["Pool"],
        "PVESDNAdmin": ["SDN.Allocate", *_USER["SDN"]],
        "PVESDNUser": _USER["SDN"],
        "PVESysAdmin": _SYS_ADMIN,
        "PVETemplateUser": ["VM.Audit", "VM.Clone"],
        "PVEUserAdmin": _USER_ADMIN,
        "PVEVMAdmin": vm_admin,
        "PVEVMUser": _USER["VM"],
    }
    return {name: frozenset(privileges) for name, privileges in roles.items()}


def privileges(version: str) -> frozenset[str]:
    """Everything there is to be granted."""
    return builtin(version)["Administrator"]


# `cap` of a ticket: which privileges a group of the web interface looks at.
CAPABILITY_PREFIXES = {
    "vms": ("VM.", "Permissions.Modify"),
    "storage": ("Datastore.", "Permissions.Modify"),
    "access": ("User.Modify", "Group.Allocate", "Permissions.Modify"),
    "nodes": ("Sys.", "Permissions.Modify"),
    "mapping": ("Mapping.", "Permissions.Modify"),
    "sdn": ("SDN.", "Permissions.Modify"),
    "dc": ("Sys.Audit", "Sys.Modify", "SDN."),
}
CAPABILITY_PATHS = {
    "vms": "/vms",
    "storage": "/storage",
    "access": "/access/groups",
    "nodes": "/nodes",
    "mapping": "/mapping",
    "sdn": "/sdn",
    "dc": "/",
}
