"""What a batch system takes for granted of a job, asked inside real jobs of a real engine.

The attempts B01 to B10 of the security checklist ask much the same with a control group of ours in the place
of a job. Here the engine's own limits, books and kill are asked.
"""
