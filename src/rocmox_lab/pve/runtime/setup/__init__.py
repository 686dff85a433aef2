"""What is written into a guest's root file system before it boots (`PVE::LXC::Setup` and its plugins)."""
