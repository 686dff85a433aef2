"""How the node carries out what `rocmox lab fault` orders: in its API server and in the processes of its tasks."""
