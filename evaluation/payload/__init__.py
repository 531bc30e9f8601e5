"""What runs inside the containers: C and Python sources, and how they are built."""
