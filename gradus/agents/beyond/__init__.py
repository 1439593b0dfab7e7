"""Chapter 9, beyond DQN: agents with memory (DRQN), asynchronous (A3C), with more tasks (UNREAL).

Read in this order: maze, sequences, unreal, auxiliary; supervise, a3c; hidden, doom, recurrent,
drqn; maps. The doors are recipes, train and run_figures.
"""
