"""What the role llama_cpp decides on the controller."""
