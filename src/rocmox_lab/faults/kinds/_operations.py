"""What the node does with guests inside its tasks: the steps at which a task can be broken."""

from rocmox_lab.faults.fault import Parameter
from rocmox_lab.faults.orders import COUNTING

OPERATIONS = ("create_volume", "unpack", "start", "stop", "shutdown", "resize_volume", "destroy", "free_volume")
OPERATION = (
    Parameter(name="operation", default="start", choices=OPERATIONS, meaning="the step of the task"),
    Parameter(name="vmid", default="*", meaning="whose"),
    *COUNTING,
)
