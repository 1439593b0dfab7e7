"""Chapter 9, beyond DQN: agents with memory (DRQN), asynchronous ones (A3C), auxiliary tasks (UNREAL).

Read in this order: maze, sequences, unreal; supervise, a3c; games, drqn. The doors are recipes,
train, predict and run_figures.
"""
